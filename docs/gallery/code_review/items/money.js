// Splits an amount between people.
export function split(cents, people) {
  const share = Math.floor(cents / people);
  return Array(people).fill(share);
}
