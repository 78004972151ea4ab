/* What a network learns from a data set. A network fits the data sets of its own task. */

export type Task = "classification" | "language-modelling";

interface Tasked {
  name: string;
  /** Left out by services that know images alone. */
  task?: string;
}

export function taskOf(one: Tasked | undefined): Task {
  return one?.task === "language-modelling" ? "language-modelling" : "classification";
}

/** The data sets that a network can learn from. */
export function fitting<D extends Tasked>(datasets: readonly D[], model: Tasked | undefined): D[] {
  return datasets.filter((one) => taskOf(one) === taskOf(model));
}
