/** What an S3 API answers, as values: the few elements of its XML that are needed, and which failures may pass. Pure. */

/** The text of the first element of that name, without its entities; '' when there is none. */
export function elementOf(xml: string, name: string): string {
  const [, text = ''] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? [];
  return plain(text);
}

/** The inner XML of each element of that name. */
export function elementsOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, inner = '']) => inner);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function plain(text: string): string {
  return text.replace(/&(\w+|#\d+);/g, (whole, name: string) =>
    name.startsWith('#') ? String.fromCodePoint(Number(name.slice(1))) : (ENTITIES[name] ?? whole),
  );
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

/** The request that puts the parts of an upload together. `etags` are as S3 gave them, in order. */
export function completion(etags: readonly string[]): string {
  const parts = etags.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
}

/** An upload that was begun and not completed. */
export interface BegunUpload {
  key: string;
  id: string;
  begun_ms: number;
}

/** Reads the answer to ListMultipartUploads; `next` is where its list goes on. */
export function begunUploads(xml: string): { uploads: BegunUpload[]; next?: { key: string; id: string } } {
  const uploads = elementsOf(xml, 'Upload').map((each) => ({
    key: elementOf(each, 'Key'),
    id: elementOf(each, 'UploadId'),
    begun_ms: Date.parse(elementOf(each, 'Initiated')),
  }));
  if (elementOf(xml, 'IsTruncated') !== 'true') return { uploads };
  return {
    uploads,
    next: { key: elementOf(xml, 'NextKeyMarker'), id: elementOf(xml, 'NextUploadIdMarker') },
  };
}

/** Statuses of an overloaded, restarting or half-reachable service: the same request may succeed a moment later. */
export function mayPass(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}
