namespace MambaExt.Graph.DataSets;

/// <summary>Random splits of the vertices that have a label; equal arguments give equal splits on every machine.</summary>
public static class RandomSplits
{
    /// <summary><paramref name="perClass"/> training vertices of each class, then <paramref name="validation"/> and <paramref name="test"/> of
    /// the others (Shchur et al. 2018, arXiv 1811.05868).</summary>
    /// <exception cref="ArgumentException">There are too few vertices.</exception>
    public static IReadOnlyList<NodeSplit> PerClass(
        int[] labels, int classes, ulong seed, int perClass = 20, int validation = 500, int test = 1000, int count = SplitOptions.RandomCount)
    {
        ArgumentNullException.ThrowIfNull(labels);
        int labelled = labels.Count(label => label >= 0);
        int training = Enumerable.Range(0, classes).Sum(k => Math.Min(perClass, labels.Count(label => label == k)));
        if (perClass < 1 || validation < 1 || test < 1 || labelled - training < (long)validation + test)
        {
            throw new ArgumentException(
                $"{perClass} training vertices a class, {validation} for validation and {test} for test were asked for, and {labelled} vertices have a label, {training} of which would train; ask for fewer.");
        }

        return [.. Enumerable.Range(0, count).Select(draw =>
        {
            var taken = new int[classes];
            var train = new List<int>();
            var rest = new List<int>();
            foreach (int v in RandomPermutation.Of(labels.Length, seed, RandomStream.Splits, draw))
            {
                if (labels[v] >= 0)
                {
                    (taken[labels[v]]++ < perClass ? train : rest).Add(v);
                }
            }

            return new NodeSplit([.. train], [.. rest.Take(validation)], [.. rest.Skip(validation).Take(test)]);
        })];
    }

    /// <summary>Shares of the vertices: <paramref name="train"/>, <paramref name="validation"/>, and the rest for test.</summary>
    /// <exception cref="ArgumentException">A part would be empty.</exception>
    public static IReadOnlyList<NodeSplit> Share(int[] labels, ulong seed, double train = 0.6, double validation = 0.2, int count = SplitOptions.RandomCount)
    {
        ArgumentNullException.ThrowIfNull(labels);
        int labelled = labels.Count(label => label >= 0);
        int first = (int)(train * labelled), second = (int)(validation * labelled);
        if (!(train > 0 && validation > 0) || first < 1 || second < 1 || first + second >= labelled)
        {
            throw new ArgumentException(
                $"{labelled} vertices with a label cannot be split into shares of {train:g3}, {validation:g3} and the rest with one in each; give shares that add up to less than 1, and more labels.");
        }

        return [.. Enumerable.Range(0, count).Select(draw =>
        {
            int[] order = [.. RandomPermutation.Of(labels.Length, seed, RandomStream.Splits, draw).Where(v => labels[v] >= 0)];
            return new NodeSplit(order[..first], order[first..(first + second)], order[(first + second)..]);
        })];
    }
}
