/** Names that operators choose: what may be a product, a serial number, a content id, an alias. */
import { NAME_MAX_CHARACTERS } from './limits.ts';

/** Anything printable without a slash at its ends, of a bounded length: fleets in the field have odd names. */
export function isName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= NAME_MAX_CHARACTERS &&
    !/[\u0000-\u001f\u007f]|^\s|\s$|^\/|\/$/.test(name)
  );
}

/** A product's id is also a path segment and a host label of old clients: no slash within. */
export function isProductName(name: string): boolean {
  return isName(name) && !name.includes('/');
}
