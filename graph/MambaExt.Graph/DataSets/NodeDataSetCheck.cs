namespace MambaExt.Graph.DataSets;

/// <summary>What must hold between the parts of a <see cref="NodeDataSet"/>.</summary>
internal static class NodeDataSetCheck
{
    public static void Labels(NodeDataSet data)
    {
        int vertices = data.Graph.VertexCount;
        if (data.Features.Rows != vertices || data.Labels.Length != vertices)
        {
            throw new InvalidDataException($"The data set {data.Name} has {vertices} vertices, {data.Features.Rows} feature rows and {data.Labels.Length} labels; the three must agree.");
        }

        if (data.ClassCount < 2 || (data.Metric == NodeMetric.RocAuc && data.ClassCount != 2))
        {
            throw new InvalidDataException($"The data set {data.Name} has {data.ClassCount} classes; {(data.Metric == NodeMetric.RocAuc ? "ROC AUC needs exactly 2" : "at least 2 are needed")}.");
        }

        for (int v = 0; v < vertices; v++)
        {
            if (data.Labels[v] < -1 || data.Labels[v] >= data.ClassCount)
            {
                throw new InvalidDataException($"Vertex {v} of the data set {data.Name} has label {data.Labels[v]}; labels are 0 to {data.ClassCount - 1}, or -1 for none.");
            }
        }
    }

    /// <summary>A copy of <paramref name="split"/> in ascending order.</summary>
    public static NodeSplit Split(NodeDataSet data, NodeSplit split, int index)
    {
        var part = new string?[data.Graph.VertexCount];
        return new NodeSplit(Part(split.Train, "train"), Part(split.Validation, "validation"), Part(split.Test, "test"));

        int[] Part(int[] vertices, string name)
        {
            if (vertices.Length == 0)
            {
                throw new InvalidDataException($"Split {index} of the data set {data.Name} has no {name} vertices; each part needs at least one.");
            }

            foreach (int v in vertices)
            {
                if ((uint)v >= (uint)part.Length)
                {
                    throw new InvalidDataException($"Split {index} of the data set {data.Name} has {name} vertex {v}; vertices are 0 to {part.Length - 1}.");
                }

                if (part[v] is { } other)
                {
                    throw new InvalidDataException($"Split {index} of the data set {data.Name} has vertex {v} in {other} and in {name}; the parts must be disjoint and without repeats.");
                }

                if (data.Labels[v] < 0)
                {
                    throw new InvalidDataException($"Split {index} of the data set {data.Name} has {name} vertex {v}, which has no label; take it out of the split.");
                }

                part[v] = name;
            }

            int[] sorted = [.. vertices];
            Array.Sort(sorted);
            return sorted;
        }
    }
}
