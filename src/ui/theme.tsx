/** Light, dark, or as the system has it. Kept in this browser. */
import { useState } from 'preact/hooks';

const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
const KEY = 'gwe-theme';

function kept(): Theme {
  try {
    const found = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === found) ?? 'system';
  } catch {
    return 'system';
  }
}

/** Puts the theme on the page, before anything is drawn. */
export function applyTheme(theme: Theme = kept()): void {
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset['theme'];
  else dataset['theme'] = theme;
  dispatchEvent(new Event('theme'));
}

export function ThemeButton() {
  const [theme, setTheme] = useState(kept());
  const next = () => {
    const chosen = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // A browser that keeps nothing for us: it holds until the page is left.
    }
    setTheme(chosen);
    applyTheme(chosen);
  };
  return (
    <button type="button" class="plain" onClick={next}>
      <span aria-hidden="true">{{ system: '◐', light: '☀', dark: '☾' }[theme]}</span> Theme: {theme}
    </button>
  );
}
