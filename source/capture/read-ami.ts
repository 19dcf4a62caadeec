import { AmiError, createAmiParser } from '../ami/ami-parser.ts';
import { eventItem, faultItem, type CaptureItem } from './capture-item.ts';

/** Answers, the greeting, and the recorder's own actions, which include its password: neither events nor faults. */
const OTHERS = ['Response', 'Banner', 'Action'];

/** The bytes of the manager interface. */
export async function* readAmi(chunks: AsyncIterable<Buffer>): AsyncGenerator<CaptureItem> {
  const parser = createAmiParser();
  let number = 0;
  for await (const chunk of chunks) {
    try {
      for (const message of parser.push(chunk)) {
        number += 1;
        if (message['Event'] !== undefined) yield eventItem(number, message);
        else if (OTHERS.every((key) => message[key] === undefined)) {
          yield faultItem(number, 'neither an event nor a response of AMI');
        }
      }
    } catch (error) {
      if (!(error instanceof AmiError)) throw error;
      yield faultItem(number + 1, `no stream of AMI: ${error.message}`);
      return;
    }
  }
  if (parser.pending() > 0) yield faultItem(number + 1, 'the message does not end');
}
