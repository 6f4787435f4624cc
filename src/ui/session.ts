/** Who is logged in and which products there are, for all views. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Product, Role, Whoami } from './types.ts';

export interface Session {
  who: Whoami;
  products: Product[];
  /** The product that one looks at; '' when there is none yet. */
  product: string;
  reloadProducts: () => void;
  logOut: () => void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('Cannot show a view: nobody is logged in');
  return session;
}

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** Whether who is logged in may do what asks for `role`. */
export function useMay(role: Role): boolean {
  return RANK[useSession().who.role] >= RANK[role];
}
