/** Dialogs by the browser's own <dialog>: it keeps the focus inside, closes by Escape, and gives the focus back. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { useAction } from './data.ts';
import { Problem } from './parts.tsx';

export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  const onClose = useRef(props.onClose);
  onClose.current = props.onClose;
  // Before the browser paints, so that nothing can take the focus between the click and the dialog.
  useLayoutEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    const closed = () => onClose.current();
    dialog?.showModal();
    dialog?.addEventListener('close', closed);
    return () => {
      dialog?.removeEventListener('close', closed);
      // What lies behind an open dialog cannot be focused.
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={element} aria-labelledby={id} class={props.wide === true ? 'wide' : ''}>
      <div class="dialog-head">
        <h2 id={id}>{props.title}</h2>
        <button type="button" class="plain" aria-label="Close" onClick={() => element.current?.close()}>
          ✕
        </button>
      </div>
      {props.children}
    </dialog>
  );
}

/** A dialog around one action: fields, what went wrong, one button that does it and one that does not. */
export function ActionDialog(props: {
  title: string;
  does: string;
  danger?: boolean;
  disabled?: boolean;
  wide?: boolean;
  act: () => Promise<unknown>;
  onClose: () => void;
  children?: ComponentChildren;
}) {
  const { busy, error, act } = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    if (await act(props.act)) props.onClose();
  };
  return (
    <Dialog title={props.title} onClose={props.onClose} {...(props.wide === true ? { wide: true } : {})}>
      <form onSubmit={submit}>
        {props.children}
        <Problem error={error} />
        <div class="buttons">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class={props.danger === true ? 'danger' : 'primary'}
            aria-disabled={busy}
            disabled={props.disabled === true}
          >
            {busy ? 'Working …' : props.does}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
