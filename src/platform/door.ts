/**
 * The platform as its server sees it: until the store is there nothing but the questions after its health is answered, with what is
 * missing; from then on all of it.
 */
import { GweError } from '../errors.ts';
import type { Log } from '../host/log.ts';
import { type Answer, errorAsJson, errorAsLine } from './answer.ts';
import type { Platform } from './context.ts';
import { answerLater, answerTo } from './dispatch.ts';
import type { PlatformRequest } from './request.ts';
import { health, unready } from './service.ts';

export interface Door {
  /** The answer to a request; never rejects. */
  answerTo(request: PlatformRequest): Promise<Answer>;
  /** The answer that a device waited for; never rejects. */
  answerLater(coming: Promise<Answer>): Promise<Answer>;
  /** Why it is not open yet. */
  wait(why: GweError): void;
  open(platform: Platform): void;
  log: Log;
}

export function createDoor(log: Log): Door {
  let platform: Platform | undefined;
  let why = new GweError('busy', 'Cannot answer yet: the platform starts');
  return {
    log,
    answerTo: async (request) =>
      platform === undefined ? answerOutside(request, why) : answerTo(request, platform),
    answerLater: async (coming) => (platform === undefined ? coming : answerLater(coming, platform)),
    wait(reason) {
      why = reason;
    },
    open(opened) {
      platform = opened;
    },
  };
}

async function answerOutside({ method, path }: PlatformRequest, why: GweError): Promise<Answer> {
  if (method === 'GET' && path === '/healthz') return health();
  if (method === 'GET' && path === '/readyz') return unready(why.message);
  return path.startsWith('/api/v1/') ? errorAsJson(why) : errorAsLine(why);
}
