// element makes an element with these properties and children. A child that is a
// string becomes text: nothing that comes from the server is ever read as HTML.
export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const calm = matchMedia('(prefers-reduced-motion: reduce)');

// animate moves an element, unless the reader wants nothing to move. It returns
// a promise of its end.
export function animate(animated, keyframes, duration) {
  return animated.animate(keyframes, { duration: calm.matches ? 0 : duration, easing: 'ease-out' }).finished;
}

const whole = new Intl.NumberFormat('en');

export function number(value) {
  return whole.format(value);
}
