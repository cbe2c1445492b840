import { crc32, deflateSync } from 'node:zlib';

/** A PNG of a sun setting behind a hill, `side` pixels square, made here so that no file has to be shipped. */
export function sunsetPng(side = 32): Buffer {
  const rows = Array.from({ length: side }, (_, y) => Buffer.from([0, ...pixelRow(side, y)]));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const pixels = deflateSync(Buffer.concat(rows));
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

function pixelRow(side: number, y: number): number[] {
  return Array.from({ length: side }, (_, x) => color(x / side, y / side)).flat();
}

function color(x: number, y: number): [number, number, number] {
  const hill = 0.7 + 0.2 * Math.cos(6 * x);
  if (y > hill) return [40, 60, 50];
  if ((x - 0.5) ** 2 + (y - 0.45) ** 2 < 0.02) return [255, 220, 120];
  return [230, Math.round(120 + 60 * y), Math.round(90 + 40 * y)];
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
