import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server on this machine for one test: what answers each path, and a list of what was asked. */
export async function serve(
  answers: Record<string, (request: IncomingMessage, response: ServerResponse) => void>,
): Promise<{ url: string; asked: { path: string; headers: IncomingMessage['headers'] }[] }> {
  const asked: { path: string; headers: IncomingMessage['headers'] }[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push({ path, headers: request.headers });
    const answer = answers[path];
    if (answer === undefined) response.writeHead(404).end('no such file');
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Sends all of the bytes and says how many. */
export const whole = (bytes: Uint8Array) => (_: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
};

/** Obeys `Range`. */
export const ranged = (bytes: Uint8Array) => (request: IncomingMessage, response: ServerResponse) => {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (range === null) return void response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
  const part = bytes.subarray(Number(range[1]), Number(range[2]) + 1);
  const place = `bytes ${range[1]}-${Number(range[1]) + part.length - 1}/${bytes.length}`;
  response.writeHead(206, { 'content-length': part.length, 'content-range': place }).end(part);
};

/** Promises all of the bytes, sends some, and hangs up. */
export const broken = (bytes: Uint8Array, sent: number) => (_: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, { 'content-length': bytes.length });
  response.write(bytes.subarray(0, sent), () => setTimeout(() => response.destroy(), 50));
};

/** Sends some of the bytes and then nothing more. */
export const stalled = (bytes: Uint8Array, sent: number) => (_: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, { 'content-length': bytes.length });
  if (sent > 0) response.write(bytes.subarray(0, sent));
  else response.flushHeaders();
};
