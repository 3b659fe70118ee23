// Clock tells how long it is until a moment of the server's time, which may not
// be the time of this machine.
export class Clock {
  #ahead = 0; // milliseconds that the server's clock is ahead of ours
  #doubt = Infinity;

  // learn is told that it was serverTime at some moment between two of ours. The
  // closer they are, the better it is known; the best is kept.
  learn(serverTime, sent, received) {
    const doubt = (received - sent) / 2;
    if (doubt < this.#doubt) {
      this.#doubt = doubt;
      this.#ahead = Date.parse(serverTime) - (sent + doubt);
    }
  }

  // until is in milliseconds, and below zero for what is past.
  until(moment) {
    return Date.parse(moment) - (Date.now() + this.#ahead);
  }
}

// countdown writes milliseconds as 1:05, and more than an hour as 1:00:05. It
// shows 0:00 only when the time is up.
export function countdown(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  if (seconds >= 3_600) {
    parts.unshift(Math.floor(seconds / 3_600));
  }
  return parts.map((part, i) => (i === 0 ? part : String(part).padStart(2, '0'))).join(':');
}
