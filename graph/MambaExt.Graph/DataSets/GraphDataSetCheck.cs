namespace MambaExt.Graph.DataSets;

/// <summary>What must hold between the parts of a <see cref="GraphDataSet"/>.</summary>
internal static class GraphDataSetCheck
{
    /// <summary>The folds in ascending order.</summary>
    public static IReadOnlyList<GraphFold> Folds(GraphDataSet data, IReadOnlyList<GraphFold> folds)
    {
        if (data.Labels.Length != data.Count || data.ClassCount < 2 || folds.Count == 0)
        {
            throw new InvalidDataException(
                $"The data set {data.Name} has {data.Count} graphs, {data.Labels.Length} labels, {data.ClassCount} classes and {folds.Count} folds; give a label a graph, 2 classes or more and a fold or more.");
        }

        int odd = Array.FindIndex(data.Labels, label => (uint)label >= (uint)data.ClassCount);
        if (odd >= 0)
        {
            throw new InvalidDataException($"Graph {odd} of the data set {data.Name} has label {data.Labels[odd]}; labels are 0 to {data.ClassCount - 1}.");
        }

        return [.. folds.Select((fold, index) =>
        {
            var part = new string?[data.Count];
            return new GraphFold(Part(fold.Train, "train"), Part(fold.Validation, "validation"), Part(fold.Test, "test"));

            int[] Part(int[] graphs, string name)
            {
                if (graphs.Length == 0)
                {
                    throw new InvalidDataException($"Fold {index} of the data set {data.Name} has no {name} graphs; each part needs at least one.");
                }

                foreach (int g in graphs)
                {
                    if ((uint)g >= (uint)part.Length)
                    {
                        throw new InvalidDataException($"Fold {index} of the data set {data.Name} has {name} graph {g}; graphs are 0 to {part.Length - 1}.");
                    }

                    if (part[g] is { } other)
                    {
                        throw new InvalidDataException($"Fold {index} of the data set {data.Name} has graph {g} in {other} and in {name}; the parts must be disjoint and without repeats.");
                    }

                    part[g] = name;
                }

                return [.. graphs.Order()];
            }
        })];
    }
}
