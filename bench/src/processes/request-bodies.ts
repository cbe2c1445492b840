/**
 * The bodies that the bench sends, made in memory and the same in every run: `prose` is English-like text, `escapes` is
 * code and CJK with an escape every dozen bytes, `tiny` is all envelope.
 */
export type BodyKind = 'prose' | 'escapes' | 'tiny';

/** Bytes of one request, its comma included. */
const TARGET_BYTES: Readonly<Record<BodyKind, number>> = { prose: 2550, escapes: 2430, tiny: 157 };
/** No model of anybody's, so that no client library comments on it. */
const MODEL = 'local-model-1';
/** Texts that requests take turns with. Each request is different anyway, by its number. */
const TEXTS = 512;

const WORDS =
  'the of and a to in is was that it for on with as his they at be this from have or by one had not but what all were when we there can an your which their said if do will each about how up out them then she many some so these would other into has more her two like him see time could no make than first been its who now people my made over did down only way find use may water long little very after words called just where most know'.split(
    ' ',
  );
const CODE = [
  'if (a[i] !== "x")\t{',
  '\n',
  '\treturn "\\d+";',
  '\n',
  '文字列の処理',
  '"key": "值"',
  '\n',
  '// 注释 \\n',
];

/** A create body of `count` requests. */
export function makeBody(kind: BodyKind, count: number): Buffer {
  const body = Buffer.allocUnsafeSlow(count * (TARGET_BYTES[kind] + 64) + 64);
  const params = makeParams(kind);
  let at = body.write('{"requests":[', 0, 'latin1');
  for (let request = 0; request < count; request++) {
    const id = String(request).padStart(7, '0');
    at += body.write(
      `${request === 0 ? '' : ','}{"custom_id":"request-${id}","params":${params(request)}}`,
      at,
      'utf8',
    );
  }
  at += body.write(']}', at, 'latin1');
  return body.subarray(0, at);
}

/** The `params` of each request, as JSON, by the request's number. */
export function makeParams(kind: BodyKind): (request: number) => string {
  const texts = makeTexts(kind);
  return (request) => {
    const text = texts[request % texts.length] ?? '';
    return `{"model":"${MODEL}","max_tokens":256,"messages":[{"role":"user","content":"${request} ${text}"}]}`;
  };
}

/** Texts as they stand between the quotes of a JSON string. */
function makeTexts(kind: BodyKind): readonly string[] {
  const random = seededRandom(1);
  const parts = kind === 'escapes' ? CODE : WORDS;
  const separator = kind === 'escapes' ? '' : ' ';
  // What the envelope around a text takes.
  const textBytes = TARGET_BYTES[kind] - 143;
  return Array.from({ length: TEXTS }, () => {
    let text = '';
    let bytes = 0;
    while (bytes < textBytes) {
      const part = JSON.stringify(parts[Math.floor(random() * parts.length)] ?? '').slice(1, -1) + separator;
      text += part;
      bytes += Buffer.byteLength(part);
    }
    return text.trimEnd();
  });
}

/** Mulberry32: small, fast, and the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
