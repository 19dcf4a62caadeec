/** How a snapshot is written: one JSON document, or one entry a line. */
export type SnapshotFormat = 'json' | 'ndjson';

export const MAX_BYTES = 256 * 1024 * 1024;
/** Most accounts, and most users. */
export const MAX_ENTRIES = 500_000;

export const NDJSON_TYPE = 'application/vnd.firehose.directory+ndjson';

/** The format of a media type; null for any other. */
export function formatOf(contentType: string): SnapshotFormat | null {
  const [type = ''] = contentType.toLowerCase().split(';', 1);
  switch (type.trim()) {
    case 'application/json':
    case 'application/vnd.firehose.directory+json':
      return 'json';
    case NDJSON_TYPE:
    case 'application/x-ndjson':
      return 'ndjson';
    default:
      return null;
  }
}
