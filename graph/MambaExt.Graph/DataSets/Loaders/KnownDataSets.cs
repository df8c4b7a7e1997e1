namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>All data sets with their published sizes. Edges are unique, undirected and without self-loops; where the files could be read they
/// were counted there, else (PubMed, Cora-ML, Actor, Cornell, Wisconsin, the rest of the heterophilous ones, Computers, Physics) they are those of the literature.</summary>
internal static class KnownDataSets
{
    private const string Masks = "10 of 50 / 25 / 25 %", GeomGcn = "10 of 48 / 32 / 20 %", Drawn = "none: 10 drawn of 60 / 20 / 20 %", Luo = "1 of 60 / 20 / 20 %";

    public static IReadOnlyList<KnownDataSet> All { get; } =
    [
        Planetoid("cora", 2_708, 5_278, 1_433, 7),
        Planetoid("citeseer", 3_327, 4_552, 3_703, 6),
        Planetoid("pubmed", 19_717, 44_324, 500, 3),
        Heterophilous("minesweeper", NodeMetric.RocAuc, 10_000, 39_402, 7, 2),
        Heterophilous("tolokers", NodeMetric.RocAuc, 11_758, 519_000, 10, 2),
        Heterophilous("questions", NodeMetric.RocAuc, 48_921, 153_540, 301, 2),
        Heterophilous("roman-empire", NodeMetric.Accuracy, 22_662, 32_927, 300, 18),
        Heterophilous("amazon-ratings", NodeMetric.Accuracy, 24_492, 93_050, 300, 5),
        Heterophilous("chameleon-filtered", NodeMetric.Accuracy, 890, 8_854, 2_325, 5),
        Heterophilous("squirrel-filtered", NodeMetric.Accuracy, 2_223, 46_998, 2_089, 5),
        Text("actor", 7_600, 26_659, 932, 5),
        Text("texas", 183, 279, 1_703, 5),
        Text("cornell", 183, 277, 1_703, 5),
        Text("wisconsin", 251, 450, 1_703, 5),
        Benchmark("cora-ml", Drawn, new GraphDataSetSize(1, 2_995, 8_158, 2_879, 7), "cora_ml.npz"),
        Benchmark("amazon-photo", Luo, new GraphDataSetSize(1, 7_650, 119_081, 745, 8), "amazon_photo.npz", "amazon_electronics_photo.npz"),
        Benchmark("amazon-computers", Luo, new GraphDataSetSize(1, 13_752, 245_861, 767, 10), "amazon_electronics_computers.npz", "amazon_cs.npz"),
        Benchmark("coauthor-cs", Luo, new GraphDataSetSize(1, 18_333, 81_894, 6_805, 15), "coauthor_cs.npz", "ms_academic_cs.npz"),
        Benchmark("coauthor-physics", Luo, new GraphDataSetSize(1, 34_493, 247_962, 8_415, 5), "ms_academic_phy.npz", "coauthor_phy.npz"),
        Benchmark("cora-gnn-benchmark", Drawn, new GraphDataSetSize(1, 2_708, 5_278, 1_433, 7), "cora.npz"),
        Benchmark("citeseer-gnn-benchmark", Drawn, new GraphDataSetSize(1, 3_312, 4_536, 3_703, 6), "citeseer.npz"),
        Graphs("mutag", new GraphDataSetSize(188, 3_371, 3_721, 7, 2), "MUTAG", "MUTAG"),
        Graphs("proteins", new GraphDataSetSize(1_113, 43_471, 81_044, 3, 2), "PROTEINS", "PROTEINS"),
        Graphs("nci1", new GraphDataSetSize(4_110, 122_747, 132_753, 37, 2), "NCI1", "NCI1"),
        Graphs("imdb-binary", new GraphDataSetSize(1_000, 19_773, 96_531, 65, 2), "IMDBBINARY", "IMDB-BINARY"),
        new(
            Info(MinesweeperGrid.Name, "drawn", NodeMetric.RocAuc, new GraphDataSetSize(1, 10_000, 39_402, 7, 2), Masks, []),
            [new DataLayout([], Grid)]),
    ];

    private static NodeDataSet Grid(DataSetRequest request)
    {
        NodeDataSet data = MinesweeperGrid.Draw();
        ulong seed = request.Split.Seed;
        return request.Split.Kind switch
        {
            SplitKind.GeomGcn => throw new ArgumentException($"The data set {data.Name} has no geom-gcn splits; take its own or random ones."),
            SplitKind.Random => data.WithSplits(RandomSplits.Share(data.Labels, seed, 0.5, 0.25), "random", $"splits drawn at random, 50 / 25 / 25 %, seed {seed}"),
            _ => data,
        };
    }

    private static KnownDataSet Planetoid(string name, int vertices, long edges, int features, int classes)
    {
        var layout = new DataLayout(PlanetoidLoader.Files(name), PlanetoidLoader.Load);
        string splits = $"1 of {20 * classes} / 500 / 1,000; geom-gcn";
        return new(Info(name, "planetoid", NodeMetric.Accuracy, new GraphDataSetSize(1, vertices, edges, features, classes), splits, layout.Files), [layout]);
    }

    private static KnownDataSet Heterophilous(string name, NodeMetric metric, int vertices, long edges, int features, int classes)
    {
        var layout = new DataLayout([$"{name.Replace('-', '_')}.npz"], HeterophilousLoader.Load);
        string splits = name.EndsWith("-filtered", StringComparison.Ordinal) ? GeomGcn : Masks;
        return new(Info(name, "heterophilous", metric, new GraphDataSetSize(1, vertices, edges, features, classes), splits, layout.Files), [layout]);
    }

    private static KnownDataSet Text(string name, int vertices, long edges, int features, int classes)
    {
        // Edges and features have the same names in every data set of the family: the splits beside them, or the folder, tell which it is.
        string folder = name == "actor" ? "film" : name;
        string[] needed = [GeomGcnTextLoader.Edges, GeomGcnTextLoader.Vertices];
        DataLayout[] layouts =
        [
            new([.. needed, .. GeomGcnSplits.Files(name)], GeomGcnTextLoader.Load),
            new([.. needed.Select(file => $"{folder}/{file}")], GeomGcnTextLoader.Load),
            new([$"{name}.npz"], HeterophilousLoader.Load),
        ];
        return new(Info(name, "geom-gcn", NodeMetric.Accuracy, new GraphDataSetSize(1, vertices, edges, features, classes), GeomGcn, layouts[0].Files), layouts);
    }

    private static KnownDataSet Benchmark(string name, string splits, GraphDataSetSize size, params string[] files) => new(
        Info(name, "gnn-benchmark", NodeMetric.Accuracy, size, splits, [files[0]]),
        [.. files.Select(file => new DataLayout([file], GnnBenchmarkLoader.Load))]);

    private static KnownDataSet Graphs(string name, GraphDataSetSize size, string text, string dortmund)
    {
        DataLayout[] layouts =
        [
            new([$"{text}.txt", .. GraphTextLoader.FoldFiles], Graphs: GraphTextLoader.Load),
            new([$"{text}.txt"], Graphs: GraphTextLoader.Load),
            new(DortmundLoader.Files(dortmund), Graphs: DortmundLoader.Load),
        ];
        return new(Info(name, "tu", NodeMetric.Accuracy, size, "10 folds", layouts[0].Files, GraphTask.Graphs), layouts);
    }

    private static GraphDataSetInfo Info(
        string name, string family, NodeMetric metric, GraphDataSetSize size, string splits, IReadOnlyList<string> files, GraphTask task = GraphTask.Vertices) =>
        new(name, family, task, metric, size, splits, files);
}
