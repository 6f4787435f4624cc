/** The fleet page begins here. */
import { render } from 'preact';
import { App } from './app.tsx';
import { applyTheme } from './theme.tsx';

applyTheme();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
