/** Text in lines that fit a terminal. Pure. */

export const TEXT_WIDTH_COLUMNS = 100;

/** `text` in lines that begin at `indent_columns` and end before the edge. */
export function wrap(text: string, indent_columns: number, width_columns = TEXT_WIDTH_COLUMNS): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent_columns + line.length + 1 + word.length > width_columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each) => `${' '.repeat(indent_columns)}${each}\n`).join('');
}
