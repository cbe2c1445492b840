import { makeParams } from './request-bodies.ts';

/** What a request is padded to, its comma included. */
const REQUEST_BYTES = 2350;

/** A create body of `questions` about each of `documents`, document by document: 2.3 KB a request, nearly all shared. */
export function makeGroupedBody(documents: number, questions: number): Buffer {
  const body = Buffer.allocUnsafeSlow(documents * questions * (REQUEST_BYTES + 64) + 64);
  const textOf = makeParams('prose');
  let at = body.write('{"requests":[', 0, 'latin1');
  for (let document = 0; document < documents; document++) {
    const { messages } = JSON.parse(textOf(document)) as { readonly messages: readonly [{ readonly content: string }] };
    const text = JSON.stringify(messages[0].content.slice(0, REQUEST_BYTES - ENVELOPE_BYTES));
    for (let question = 0; question < questions; question++) {
      const number = String(document * questions + question).padStart(7, '0');
      at += body.write(at === START ? '' : ',', at, 'latin1');
      at += body.write(request(number, text), at, 'latin1');
    }
  }
  at += body.write(']}', at, 'latin1');
  return body.subarray(0, at);
}

const START = '{"requests":['.length;
/** What stands around a document. */
const ENVELOPE_BYTES = 270;

function request(number: string, text: string): string {
  const shared = `{"type":"text","text":${text},"cache_control":{"type":"ephemeral"}}`;
  const own = `{"type":"text","text":"Question ${number}: what does it say of this?"}`;
  const messages = `[{"role":"user","content":[${shared},${own}]}]`;
  return `{"custom_id":"request-${number}","params":{"model":"local-model-1","max_tokens":256,"messages":${messages}}}`;
}
