/** A line that says what has just been done, for the eye and for screen readers. It goes by itself, or by a click. */
import { useEffect, useState } from 'preact/hooks';

const SHOWN_MS = 8000;
let show = (_text: string): void => {};

/** Says that something was done. */
export function notify(text: string): void {
  show(text);
}

export function Notices() {
  const [text, setText] = useState('');
  useEffect(() => {
    show = setText;
  }, []);
  useEffect(() => {
    if (text === '') return;
    const timer = setTimeout(() => setText(''), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="notices" role="status" aria-live="polite">
      {text !== '' && (
        <div class="notice">
          <span>{text}</span>
          <button type="button" class="plain" aria-label="Dismiss" onClick={() => setText('')}>
            ✕
          </button>
        </div>
      )}
    </div>
  );
}
