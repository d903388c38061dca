import { AnnError } from '../../core/errors.ts';

/** Something about a day's files that the machinery cannot work with. The message says which file, what, and how to mend it. */
export class ExerciseError extends AnnError {
  constructor(file: string, what: string, mend: string, options?: ErrorOptions) {
    super('EXERCISE', `${file}: ${what}: ${mend}`, options);
  }
}
