/* What a network learns from a data set. A network fits the data sets of its own task. */

export type Task = "classification" | "language-modelling";

interface Tasked {
  name: string;
  task: Task;
}

/** By what a task is judged: the rest of `best_test_…`, `test_…` and `validation_…`. */
export const QUALITY: Record<Task, string> = {
  classification: "accuracy",
  "language-modelling": "perplexity",
};

/** What is learned from a data set; one that is not known is taken for images. */
export function taskOf(dataset: string, datasets: readonly Tasked[] = []): Task {
  return datasets.find((one) => one.name === dataset)?.task ?? "classification";
}

/** The data sets that a network can learn from. */
export function fitting<D extends Tasked>(datasets: readonly D[], model: Tasked | undefined): D[] {
  return datasets.filter((one) => one.task === (model?.task ?? "classification"));
}
