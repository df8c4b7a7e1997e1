namespace MambaExt.Graph.DataSets;

/// <summary>Folds of a cross-validation. Each test fold is validated on the fold after it, which therefore does not train.</summary>
public static class GraphFolds
{
    /// <summary>From the test parts and training parts that a data set comes with: validation of fold k is the test part of fold k + 1.</summary>
    /// <param name="tests">Graphs of each test part.</param>
    /// <param name="trains">Graphs of each training part.</param>
    public static IReadOnlyList<GraphFold> Of(IReadOnlyList<int[]> tests, IReadOnlyList<int[]> trains)
    {
        ArgumentNullException.ThrowIfNull(tests);
        ArgumentNullException.ThrowIfNull(trains);
        return tests.Count == trains.Count && tests.Count >= 2
            ? [.. tests.Select((test, k) =>
            {
                int[] validation = tests[(k + 1) % tests.Count];
                return new GraphFold([.. trains[k].Except(validation)], validation, test);
            })]
            : throw new ArgumentException($"{tests.Count} test parts and {trains.Count} training parts were given; give as many of each, 2 or more.");
    }

    /// <summary>Folds drawn so that each has its share of every class.</summary>
    /// <param name="labels">Class of each graph, [G].</param>
    /// <param name="seed">Equal seeds give equal folds on every machine.</param>
    /// <param name="count">3 or more.</param>
    public static IReadOnlyList<GraphFold> Stratified(int[] labels, ulong seed, int count = 10)
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (count < 3 || labels.Length < count)
        {
            throw new ArgumentException($"{count} folds of {labels.Length} graphs were asked for; give 3 folds or more, and no more than there are graphs.");
        }

        // Class after class is dealt out, each from where the last one ended, so that sizes differ by one at most.
        var parts = new List<int>[count];
        for (int k = 0; k < count; k++)
        {
            parts[k] = [];
        }

        int dealt = 0;
        foreach (int graph in RandomPermutation.Of(labels.Length, seed, RandomStream.Splits).OrderBy(graph => labels[graph]))
        {
            parts[dealt++ % count].Add(graph);
        }

        int[][] tests = [.. parts.Select(part => part.ToArray())];
        return Of(tests, [.. tests.Select(test => Enumerable.Range(0, labels.Length).Except(test).ToArray())]);
    }
}
