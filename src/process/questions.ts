// Questions over a channel: each has a number, and one that is not answered in time counts as answered with nothing.

export interface Questions<Answer> {
  /** `send` gets the number to put into the message. */
  ask(send: (question: number) => void, fallback: Answer): Promise<Answer>;
  answer(question: number, answer: Answer): void;
}

/** A scrape must not wait for a process that is stuck. */
const PATIENCE_MS = 1_000;

export function createQuestions<Answer>(): Questions<Answer> {
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  return {
    ask(send, fallback) {
      const question = ++asked;
      return new Promise<Answer>((resolve) => {
        const end = (answer: Answer) => {
          clearTimeout(timer);
          waiting.delete(question);
          resolve(answer);
        };
        const timer = setTimeout(end, PATIENCE_MS, fallback);
        waiting.set(question, end);
        send(question);
      });
    },
    answer(question, answer) {
      waiting.get(question)?.(answer);
    },
  };
}
