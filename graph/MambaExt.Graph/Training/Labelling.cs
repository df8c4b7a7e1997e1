using MambaExt.Graph.DataSets;

namespace MambaExt.Graph.Training;

/// <summary>Classes of what a data set asks about, its vertices or its graphs, and how they are scored.</summary>
/// <param name="Labels">Class of each, [n]</param>
/// <param name="Classes">K</param>
/// <param name="Metric">The score</param>
internal sealed record Labelling(int[] Labels, int Classes, NodeMetric Metric)
{
    /// <summary>Two classes are told apart by one logit.</summary>
    public bool Binary => Metric == NodeMetric.RocAuc;

    /// <summary>Logits of a model, K or 1.</summary>
    public int Outputs => Binary ? 1 : Classes;

    public static Labelling Of(NodeDataSet data) => new(data.Labels, data.ClassCount, data.Metric);

    public static Labelling Of(GraphDataSet data) => new(data.Labels, data.ClassCount, data.Metric);

    /// <summary>n / (K n_k) for a class with n_k of the n members, so that a mean over them weighs all classes alike; K counts those that occur.</summary>
    public double[] Balanced(int[] members)
    {
        var counts = new int[Classes];
        foreach (int member in members)
        {
            counts[Labels[member]]++;
        }

        double classes = counts.Count(c => c > 0);
        return [.. counts.Select(c => c == 0 ? 0 : members.Length / (classes * c))];
    }
}
