/** A file that was named on the command line and is not on this host. */
import { isS3Url } from '../config/s3-location.ts';
import { Fault } from '../domain/failure.ts';

export const missingFile = (file: string): Fault =>
  isS3Url(file)
    ? new Fault(
        'not_found',
        `${file} is not a file of this host`,
        'Copy it here first, or upload it to an inbox in a bucket (inbox: s3://…, docs/s3.md), whose watcher reads it there.',
      )
    : new Fault('not_found', `there is no file ${file}`, 'Check the path.');
