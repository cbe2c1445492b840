/** What stands around the requests of a create body, and between them. */
const encoder = new TextEncoder();
export const BODY_OPEN = encoder.encode('{"requests":[');
export const BODY_CLOSE = encoder.encode(']}');
export const BETWEEN = encoder.encode(',');

/** Of a body, beside its requests with a comma for each: there is one comma less than there are requests. */
export const FRAME_BYTES = BODY_OPEN.length + BODY_CLOSE.length - BETWEEN.length;
