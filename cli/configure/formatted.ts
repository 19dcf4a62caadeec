import { format, resolveConfig } from 'prettier';
import { CONFIGURE_FILE, configureText } from './document.ts';

/** Formatted as `npm run check` requires. */
export async function formattedConfigureText(): Promise<string> {
  return format(configureText(), { ...(await resolveConfig(CONFIGURE_FILE)), filepath: CONFIGURE_FILE });
}
