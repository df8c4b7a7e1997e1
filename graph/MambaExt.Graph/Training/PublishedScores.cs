namespace MambaExt.Graph.Training;

/// <summary>A score that others published.</summary>
/// <param name="dataset">Name in the registry</param>
/// <param name="model">As they call it</param>
/// <param name="mean">Percent</param>
/// <param name="deviation">Percent; null where none is given</param>
/// <param name="source">Who, and over what</param>
public sealed record PublishedScore(string dataset, string model, double mean, double? deviation, string source);

/// <summary>Published scores on the official data sets, to stand beside a comparison and be marked as such; nothing here was computed by this library.</summary>
public static class PublishedScores
{
    private const string Platonov = "Platonov et al. 2023, 10 splits", Gmn = "Behrouz and Hashemi 2024, table 3", Luo = "Luo et al. 2024, 3 runs", LuoSplit = "Luo et al. 2024, 60/20/20";
    private const string Xu = "Xu et al. 2019, 10 folds, one epoch for all chosen by their mean test curve";
    private const string Polynormer = "Deng et al. 2024, 10 splits", Public = "as cited for the public split";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<PublishedScore> All { get; } =
    [
        .. Of("minesweeper", Platonov, ("ResNet (MLP)", 50.89, 1.39), ("GCN", 89.75, 0.52), ("SAGE", 93.51, 0.57), ("GAT", 92.01, 0.68), ("GAT-sep", 93.91, 0.35), ("GT", 91.85, 0.76)),
        .. Of("minesweeper", Gmn, ("Gated-GCN", 87.54, 1.22), ("GPS", 90.63, 0.67), ("GPS + Mamba", 89.93, 0.54), ("GMN", 91.01, 0.23)),
        .. Of("minesweeper", Polynormer, ("Polynormer", 97.46, 0.36)),
        .. Of("minesweeper", Luo, ("tuned GCN", 97.86, 0.24), ("tuned SAGE", 97.77, 0.62), ("tuned GAT", 97.73, 0.73)),
        .. Of("tolokers", Platonov, ("ResNet (MLP)", 72.95, 1.06), ("GCN", 83.64, 0.67), ("SAGE", 82.43, 0.44), ("GAT", 83.70, 0.47), ("GAT-sep", 83.78, 0.43), ("GT", 83.23, 0.64)),
        .. Of("tolokers", Gmn, ("Gated-GCN", 77.31, 1.14), ("GPS", 83.71, 0.48), ("GPS + Mamba", 83.70, 1.05), ("GMN", 84.52, 0.21)),
        .. Of("tolokers", Polynormer, ("Polynormer", 85.91, 0.74)),
        .. Of("roman-empire", Platonov, ("ResNet (MLP)", 65.88, 0.38), ("GCN", 73.69, 0.74), ("SAGE", 85.74, 0.67), ("GAT-sep", 88.75, 0.41)),
        .. Of("roman-empire", Gmn, ("GMN", 87.69, 0.50)),
        .. Of("roman-empire", Luo, ("tuned GCN", 91.27, 0.20)),
        .. Of("amazon-ratings", Platonov, ("ResNet (MLP)", 45.90, 0.52), ("GCN", 48.70, 0.63), ("SAGE", 53.63, 0.39), ("GAT-sep", 52.70, 0.62)),
        .. Of("amazon-ratings", Gmn, ("GMN", 54.07, 0.31)),
        .. Of("amazon-ratings", Luo, ("tuned SAGE", 55.40, 0.21)),
        .. Of("questions", Platonov, ("ResNet (MLP)", 70.34, 0.76), ("GCN", 76.09, 1.27), ("SAGE", 76.44, 0.62), ("GAT", 77.43, 1.20)),
        .. Of("amazon-photo", LuoSplit, ("tuned GCN", 96.10, 0.46), ("tuned SAGE", 96.78, 0.23), ("tuned GAT", 96.60, 0.33)),
        .. Of("amazon-computers", LuoSplit, ("tuned GCN", 93.99, 0.12), ("tuned SAGE", 93.25, 0.14), ("tuned GAT", 94.09, 0.37)),
        .. Of("coauthor-cs", LuoSplit, ("tuned GCN", 96.17, 0.06), ("tuned SAGE", 96.38, 0.11), ("tuned GAT", 96.21, 0.14)),
        .. Of("coauthor-physics", LuoSplit, ("tuned GCN", 97.46, 0.10), ("tuned SAGE", 97.19, 0.18), ("tuned GAT", 97.25, 0.06)),
        .. Of("cora", Public, ("GCN", 81.5, null), ("GAT", 83.0, 0.7)),
        .. Of("citeseer", Public, ("GCN", 70.3, null), ("GAT", 72.5, 0.7)),
        .. Of("mutag", Xu, ("GIN", 89.4, 5.6)),
        .. Of("proteins", Xu, ("GIN", 76.2, 2.8)),
        .. Of("nci1", Xu, ("GIN", 82.7, 1.7)),
        .. Of("imdb-binary", Xu, ("GIN", 75.1, 5.1)),
        .. Of("pubmed", Public, ("GCN", 79.0, null), ("GAT", 79.0, 0.3)),
    ];

    /// <summary>Those of a data set.</summary>
    public static IEnumerable<PublishedScore> For(string dataSet) => All.Where(score => score.dataset == dataSet);

    private static IEnumerable<PublishedScore> Of(string dataSet, string source, params (string Model, double Mean, double? Deviation)[] scores) =>
        scores.Select(s => new PublishedScore(dataSet, s.Model, s.Mean, s.Deviation, source));
}
