/** One HTTP exchange with supervisord over its unix socket: bytes there and back. What they mean is xmlrpc.ts's. */
import type { IncomingMessage } from 'node:http';
import { GweError, systemCode } from '../errors.ts';
import { ANSWER_MAX_CHARACTERS } from './xmlrpc.ts';

/**
 * Posts the text of a call and returns the text of the answer. Raises `supervisor`, saying why in words, when there is
 * nobody to answer, no permission, no answer within `timeout_ms`, or another status than 200.
 */
export async function exchange(socket: string, call: string, timeout_ms: number): Promise<string> {
  const { request } = await import('node:http');
  const signal = AbortSignal.timeout(timeout_ms);
  const headers = {
    'Content-Type': 'text/xml',
    'Content-Length': Buffer.byteLength(call),
    Host: 'supervisor',
  };
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const post = request(
        { socketPath: socket, path: '/RPC2', method: 'POST', headers, agent: false, signal },
        resolve,
      );
      post.once('error', reject);
      post.end(call);
    });
    if (answer.statusCode !== 200) throw refusal(socket, answer);
    return await bodyOf(answer);
  } catch (error) {
    if (error instanceof GweError) throw error;
    throw unreachable(socket, error, signal.aborted ? timeout_ms : undefined);
  }
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.length;
    if (length > ANSWER_MAX_CHARACTERS) {
      throw new GweError(
        'protocol',
        `Cannot read supervisord's answer: it is over ${ANSWER_MAX_CHARACTERS} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusal(socket: string, answer: IncomingMessage): GweError {
  answer.destroy();
  const hint =
    answer.statusCode === 401
      ? 'Its [unix_http_server] asks for a user name and password: take both out and protect the socket by its chmod instead.'
      : 'Is supervisor.socket really the socket of supervisord, with its [rpcinterface:supervisor] section in place?';
  return new GweError(
    'supervisor',
    `Cannot talk to supervisord at ${socket}: it answered ${answer.statusCode}`,
    {
      hint,
    },
  );
}

const REASONS: Record<string, { state: string; hint: string }> = {
  ENOENT: {
    state: 'there is no such socket',
    hint: 'Start supervisord, or run: gwe config set supervisor.socket PATH (the file of its [unix_http_server] section)',
  },
  ECONNREFUSED: { state: 'nobody listens there', hint: 'Start supervisord.' },
  EACCES: {
    state: 'permission denied',
    hint: 'Run gwe as root, or give it access with chmod and chown in the [unix_http_server] section.',
  },
};

function unreachable(socket: string, error: unknown, waited_ms: number | undefined): GweError {
  const code = systemCode(error) ?? '';
  const known = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  const text = error instanceof Error ? error.message : String(error);
  const state = waited_ms === undefined ? (known?.state ?? text) : `no answer within ${waited_ms / 1000} s`;
  return new GweError('supervisor', `Cannot talk to supervisord at ${socket}: ${state}`, {
    cause: error,
    hint:
      (waited_ms === undefined ? known?.hint : undefined) ?? 'See what supervisord itself says in its log.',
  });
}
