/**
 * The document that `cached-document-questions` asks about: fiction, and long enough to be cached by a model whose
 * shortest cacheable prefix is 512 tokens.
 */
export const LONG_DOCUMENT = `# How the Skerry Lights went electric

For a hundred and forty years the seven lights between Harrow Point and the Outer Skerries were lit by hand. The last
keeper to carry a can of paraffin up the stairs was Marta Lindqvist, who did so on a February evening with the wind at
forty knots, and who said afterwards that she had not noticed it was the last time. The contract to replace her lamps
had been signed that morning, two hundred miles away, by people who had never been wet on purpose.

The contract went to Brightwater Electric, a firm of thirty people that had until then made pumps for fish farms. Its
founder, Tomas Okafor, had learned two things from fish farms: that salt finds every screw, and that nobody comes to
mend a machine in a storm. Both turned out to matter more than anything he knew about light. His bid was not the
lowest. Northern Beacon Systems had offered to do the work for a fifth less, with lamps that had been proven in the
Mediterranean; the harbour council's engineer, Ines Varga, asked them what the lamps did when the spray froze, and was
told that this was not expected to occur.

## What was built

Each tower was given three things: an array of panels on the south face, a bank of batteries in what had been the oil
store, and a lamp the size of a jam jar whose lens was cut by Calloway Glass from drawings of the original. The lenses
were the only part over which there was a quarrel. Okafor wanted a modern optic, which is lighter and which a machine
can press in a minute. Varga wanted the old pattern, because pilots knew it, and because a light that looks different
is, to somebody coming home in rain, a light in a different place. She won by taking Okafor out on the pilot boat
in November. He is said to have asked for the old pattern before they were back inside the breakwater.

The batteries are the part that works least well. They are rated for six sunless days. In the second winter there were
nine, and on the eighth the light on Gannet Rock went to half power, as it had been designed to, and was reported by
three ships as failed. Nothing had failed; but a half-bright light at an unexpected place is a new fact at sea, and the
notice that would have told the ships was stuck in the outbox of a clerk who was himself snowed in. Since then the
towers send their own notices. That program was written in a weekend by Varga's deputy, Piet Sandoval, and it is the
only part of the system that has never been changed.

## What it cost

The council paid 2.1 million for the seven towers, of which the lenses were a third. It had been paying 190,000 a year
for keepers, boats and oil, and now pays Brightwater 40,000 a year to look after the lights, so that the sum will have
been earned back in fourteen years: about the age at which the panels are due to be replaced. Everybody involved knows
this. The saving was never the reason. The reason was that the last four advertisements for a keeper had brought two
applications between them, both from novelists.

## What the keepers did next

Marta Lindqvist was offered a post looking at screens, and declined it. She now runs the museum in the old oil store at
Harrow Point, where visitors may carry a full can up ninety-one steps and see how they feel. Josef Brandt, who kept
Gannet Rock for nineteen years, drives the boat for Brightwater's engineers, and so goes on visiting his tower in the
weather he likes least. Of the two novelists one was hired, for eleven months, by Calloway Glass, to write its
catalogue; it is the best catalogue of lenses in print, and it sold, in its first year, no lenses at all.

## What others may take from it

First: ask about the day on which things go wrong before asking about the price of the day on which they go right.
Second: people steer by what a thing looks like and not by what it is, so that a better thing that looks different has
to be announced, and announced by something that cannot be snowed in. Third: when a machine replaces a person, find out
what the person did that was in nobody's list. Lindqvist used to telephone the bakery at Harrow when fog was coming in,
so that the early boat could be held for the bread. For one winter nobody did, and nobody knew why the bread was late.
Now a light telephones the bakery. It is, Sandoval says, the only alarm in the system that has ever made anybody smile.
`;
