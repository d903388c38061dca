/**
 * A Jupyter kernel as a child process, spoken to over ZeroMQ in Jupyter's messaging protocol 5.3, without Python: start it, let it
 * execute code, collect what each execution puts out, stop it. Outputs are collected for as long as the kernel lives:
 * what code prints after its own end still belongs to it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dealer, Subscriber } from 'zeromq';
import { AnnError } from '../../core/errors.ts';
import { type Connection, newConnection } from './connection.ts';
import { kernelCommand } from './kernelspec.ts';
import type { DataOutput, Output, StreamOutput } from './notebook.ts';

export interface KernelOptions {
  /** The folder of the kernelspec, with kernel.json. */
  spec: string;
  cwd: string;
  /** Added to this process's environment and to what kernel.json asks for. */
  env?: Record<string, string>;
  /** What runs a kernel whose kernel.json says `node`. Default: the Node that runs this. */
  node?: string;
  startTimeoutMs?: number;
  /** Default `ipc`, which takes no ports; Windows has `tcp` alone. */
  transport?: 'ipc' | 'tcp';
}

export interface Execution {
  status: 'ok' | 'error' | 'abort';
  executionCount: number | null;
  /** Grows while the kernel lives. */
  outputs: Output[];
}

/** A kernel that did not start, ended before its time, or did not answer in time. */
export class KernelError extends AnnError {
  readonly reason: 'start' | 'died' | 'timeout' | 'protocol';

  constructor(reason: KernelError['reason'], message: string, options?: ErrorOptions) {
    super('KERNEL', message, options);
    this.reason = reason;
  }
}

export class Kernel {
  /** Rejects when the kernel ends or cannot be understood; never resolves. */
  readonly #lost: Promise<never>;
  readonly #process: ChildProcess;
  readonly #connection: Connection;
  readonly #sockets: { shell: Dealer; control: Dealer; iopub: Subscriber };
  readonly #session = randomUUID();
  /** By the id of the request that a message answers. */
  readonly #replies = new Map<string, (content: Content) => void>();
  readonly #listeners = new Map<string, (type: string, content: Content) => void>();
  /** By display id, as an output may be replaced by later code. */
  readonly #displays = new Map<string, DataOutput>();
  #stopped: Promise<void> | undefined;
  #printed = '';

  /** Starts a kernel and waits until it answers. Throws KernelError where it does not, with what it printed. */
  static async start(options: KernelOptions): Promise<Kernel> {
    const connection = await newConnection(options.transport ?? (process.platform === 'win32' ? 'tcp' : 'ipc'));
    let kernel: Kernel;
    try {
      kernel = new Kernel(options, connection);
    } catch (cause) {
      rmSync(connection.folder, { recursive: true, force: true });
      throw new KernelError('start', `the kernel could not be started: ${(cause as Error).message}`, { cause });
    }
    try {
      await kernel.#ready(options.startTimeoutMs ?? 60_000);
      return kernel;
    } catch (error) {
      await kernel.stop();
      throw error;
    }
  }

  /** Executes code to its end. Throws KernelError where the kernel dies or needs more than `timeoutMs`. */
  async execute(code: string, { timeoutMs }: { timeoutMs: number }): Promise<Execution> {
    const execution: Execution = { status: 'ok', executionCount: null, outputs: [] };
    let idle = () => {};
    const isIdle = new Promise<void>((resolve) => {
      idle = resolve;
    });
    const options = {
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    };
    const reply = this.#request(this.#sockets.shell, 'execute_request', { code, ...options }, (type, content) => {
      if (type === 'status' && content.execution_state === 'idle') idle();
      else this.#collect(execution.outputs, type, content);
    });
    const [content] = await this.#within(Promise.all([reply, isIdle]), timeoutMs, 'no end');
    execution.status = content.status as Execution['status'];
    execution.executionCount = (content.execution_count as number | undefined) ?? null;
    return execution;
  }

  /** As Jupyter's stop button: ends what is being executed, where it can be ended. */
  interrupt(): void {
    this.#process.kill('SIGINT');
  }

  /** What the kernel's process itself has put out, past Jupyter: failed starts, warnings of Node, crashes. */
  get printed(): string {
    return this.#printed;
  }

  /** Ends the kernel and every process that it has started, whatever they are doing. */
  stop({ graceMs = 1000 } = {}): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    if (this.#isRunning()) {
      const goodbye = this.#request(this.#sockets.control, 'shutdown_request', { restart: false });
      goodbye.catch(() => {});
      await Promise.race([this.#lost.catch(() => {}), sleep(graceMs, undefined, { ref: false })]);
    }
    this.#kill();
    if (this.#isRunning()) await this.#lost.catch(() => {});
    for (const socket of Object.values(this.#sockets)) socket.close();
    rmSync(this.#connection.folder, { recursive: true, force: true });
    process.off('exit', this.#kill);
  }

  private constructor({ spec, cwd, env, node = process.execPath }: KernelOptions, connection: Connection) {
    this.#connection = connection;
    const { command, args, env: plain } = kernelCommand(spec, connection.file);
    // The process last: where anything before fails, there is none to end.
    const connect = <T extends Dealer | Subscriber>(socket: T, channel: 'shell' | 'control' | 'iopub'): T => {
      socket.connect(connection.address(channel));
      return socket;
    };
    this.#sockets = {
      shell: connect(new Dealer({ linger: 0 }), 'shell'),
      control: connect(new Dealer({ linger: 0 }), 'control'),
      iopub: connect(new Subscriber({ linger: 0, receiveHighWaterMark: 0 }), 'iopub'),
    };
    this.#sockets.iopub.subscribe();

    // A process group of its own, so that what a cell has started ends with it.
    this.#process = spawn(command === 'node' ? node : command, args, {
      cwd,
      env: { ...plain, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#printed = (this.#printed + text).slice(-PRINTED_CHARACTERS);
      });
    }
    process.once('exit', this.#kill);

    const answer = ({ parent, content }: Message) => this.#replies.get(parent.msg_id ?? '')?.(content);
    this.#lost = Promise.race([
      this.#death(),
      this.#pump(this.#sockets.shell, answer),
      this.#pump(this.#sockets.control, answer),
      this.#pump(this.#sockets.iopub, ({ header, parent, content }) =>
        this.#listeners.get(parent.msg_id ?? '')?.(header.msg_type, content),
      ),
    ]);
    this.#lost.catch(() => {});
  }

  /** Ready: a request is answered, and what it publishes arrives; the first few may come before the subscription does. */
  async #ready(timeoutMs: number): Promise<void> {
    let heard = false;
    const hello = async () => {
      while (!heard) {
        const listen = (type: string) => {
          heard ||= type === 'status';
        };
        await this.#request(this.#sockets.shell, 'kernel_info_request', {}, listen);
        for (let i = 0; i < 20 && !heard; i++) await sleep(10);
      }
    };
    await this.#within(hello(), timeoutMs, 'no answer');
  }

  async #request(
    socket: Dealer,
    type: string,
    content: Content,
    listener?: (type: string, content: Content) => void,
  ): Promise<Content> {
    const id = randomUUID();
    const date = new Date().toISOString();
    const header = { msg_id: id, session: this.#session, username: 'annlab', date, msg_type: type, version: '5.3' };
    const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
    if (listener) this.#listeners.set(id, listener);
    const reply = new Promise<Content>((resolve) => this.#replies.set(id, resolve));
    await socket.send([DELIMITER, this.#sign(parts), ...parts]);
    const answer = await Promise.race([reply, this.#lost]);
    this.#replies.delete(id);
    return answer;
  }

  #collect(outputs: Output[], type: string, content: Content): void {
    if (type === 'stream') {
      const { name, text } = content as unknown as StreamOutput;
      const last = outputs.at(-1);
      if (last?.output_type === 'stream' && last.name === name) last.text += text;
      else outputs.push({ output_type: 'stream', name, text });
    }
    const { data = {}, metadata = {}, transient } = content as Partial<DataOutput> & Transient;
    const displayId = transient?.display_id;
    if (type === 'display_data' || type === 'execute_result') {
      const output: DataOutput = { output_type: type, data, metadata };
      if (type === 'execute_result') output.execution_count = content.execution_count as number;
      if (displayId !== undefined) this.#displays.set(displayId, output);
      outputs.push(output);
    }
    if (type === 'update_display_data' && displayId !== undefined) {
      Object.assign(this.#displays.get(displayId) ?? {}, { data, metadata });
    }
    if (type === 'error') {
      const { ename, evalue, traceback } = content as { ename: string; evalue: string; traceback: string[] };
      outputs.push({ output_type: 'error', ename, evalue, traceback });
    }
  }

  async #pump(socket: Dealer | Subscriber, take: (message: Message) => void): Promise<never> {
    for await (const frames of socket) take(this.#decode(frames));
    return new Promise(() => {}); // Closed by stop().
  }

  #decode(frames: Buffer[]): Message {
    const start = frames.findIndex((frame) => frame.toString() === DELIMITER);
    const parts = frames.slice(start + 2, start + 6).map(String);
    if (start === -1 || parts.length < 4 || frames[start + 1].toString() !== this.#sign(parts)) {
      throw new KernelError('protocol', 'the kernel sent a message that is not signed with its key');
    }
    const [header, parent, , content] = parts.map((part) => JSON.parse(part));
    return { header, parent, content };
  }

  #sign(parts: readonly string[]): string {
    const hmac = createHmac('sha256', this.#connection.key);
    for (const part of parts) hmac.update(part);
    return hmac.digest('hex');
  }

  async #death(): Promise<never> {
    const closed = once(this.#process, 'close').catch(() => {});
    const [status, signal] = await once(this.#process, 'exit').catch((cause: Error) => {
      throw new KernelError('start', `the kernel could not be started: ${cause.message}`, { cause });
    });
    // Its last words may still be on the way; and a process that it has left behind may hold the line open.
    await Promise.race([closed, sleep(500, undefined, { ref: false })]);
    const how = signal === null ? `with status ${status}` : `by ${signal}`;
    throw new KernelError('died', `the kernel died ${how}${this.#printed && `; it said:\n${this.#printed.trimEnd()}`}`);
  }

  async #within<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
    const timer = new AbortController();
    const expiry = sleep(timeoutMs, undefined, { signal: timer.signal }).then(() => {
      const said = this.#printed && `; the kernel said:\n${this.#printed.trimEnd()}`;
      throw new KernelError('timeout', `${what} within ${timeoutMs / 1000} s${said}`);
    });
    expiry.catch(() => {});
    try {
      return await Promise.race([work, this.#lost, expiry]);
    } finally {
      timer.abort();
    }
  }

  #isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null && this.#process.pid !== undefined;
  }

  readonly #kill = (): void => {
    const { pid } = this.#process;
    if (pid === undefined) return;
    if (process.platform === 'win32') {
      spawnSync('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore' });
      return;
    }
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      // Nobody of the group is left.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
}

const DELIMITER = '<IDS|MSG>';
const PRINTED_CHARACTERS = 20_000;

type Content = Record<string, unknown>;

interface Message {
  header: { msg_type: string };
  parent: { msg_id?: string };
  content: Content;
}

interface Transient {
  transient?: { display_id?: string };
}
