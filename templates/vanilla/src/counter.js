/** Counts the clicks of a button in its own text. */
export function setUpCounter(button) {
  let count = 0;
  button.addEventListener("click", () => {
    count += 1;
    button.textContent = `count is ${count}`;
  });
}
