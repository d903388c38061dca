/**
 * Where a kernel listens: the connection file that it is started with, and the addresses that it names. Sockets are files where
 * the system has such (no port can be taken by another in between), ports of this machine elsewhere.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Connection {
  key: string;
  file: string;
  /** Of the connection file, and of the sockets where they are files; nobody else may enter. */
  folder: string;
  address(channel: Channel): string;
}

const CHANNELS = ['shell', 'iopub', 'stdin', 'control', 'hb'] as const;

type Channel = (typeof CHANNELS)[number];

/** Addresses that nobody else uses, in a folder that the caller deletes. */
export async function newConnection(transport: 'ipc' | 'tcp'): Promise<Connection> {
  const folder = mkdtempSync(path.join(tmpdir(), 'annlab-kernel-'));
  const file = path.join(folder, 'connection.json');
  const key = randomUUID();
  const ip = transport === 'ipc' ? path.join(folder, 'socket') : '127.0.0.1';
  // With ipc, Jupyter's "ports" number the files: <ip>:<port>, as tslab writes them.
  const ports = transport === 'ipc' ? CHANNELS.map((_, i) => i + 1) : await freePorts(CHANNELS.length);
  const portOf = Object.fromEntries(CHANNELS.map((channel, i) => [`${channel}_port`, ports[i]]));
  writeFileSync(file, JSON.stringify({ transport, ip, ...portOf, key, signature_scheme: 'hmac-sha256' }), {
    mode: 0o600,
  });
  return { key, file, folder, address: (channel) => `${transport}://${ip}:${portOf[`${channel}_port`]}` };
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening');
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) server.close();
  return ports;
}
