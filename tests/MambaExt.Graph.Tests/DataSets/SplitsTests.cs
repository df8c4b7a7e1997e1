using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.DataSets;

public class SplitsTests
{
    [Fact]
    public void Random_splits_of_Planetoid_take_twenty_a_class()
    {
        NodeDataSet data = Load("cora", SplitKind.Random);
        Assert.Equal(("random", 10), (data.SplitKind, data.Splits.Count));
        Assert.All(data.Splits, split =>
        {
            Assert.All(Enumerable.Range(0, 7), k => Assert.Equal(20, split.Train.Count(v => data.Labels[v] == k)));
            Assert.Equal((500, 1000), (split.Validation.Length, split.Test.Length));
        });
        Assert.Contains("10 random splits", data.Summary, StringComparison.Ordinal);
        Assert.Contains(data.Notes, note => note.Contains("seed 0", StringComparison.Ordinal));
        Assert.Equal(10, data.Splits.Select(split => string.Join(',', split.Train)).Distinct().Count());
        Assert.Equal(data.Splits[3].Test, Load("cora", SplitKind.Random).Splits[3].Test);
        Assert.NotEqual(data.Splits[3].Test, Load("cora", SplitKind.Random, 1).Splits[3].Test);
    }

    [Fact]
    public void Vertices_without_a_label_are_in_no_random_split()
    {
        NodeDataSet data = Load("citeseer", SplitKind.Random);
        Assert.All(data.Splits.SelectMany(split => split.Train.Concat(split.Validation).Concat(split.Test)), v => Assert.NotEqual(-1, data.Labels[v]));
    }

    [Fact]
    public void Geom_gcn_splits_of_Cora_leave_vertices_out_and_say_so()
    {
        NodeDataSet data = Load("cora", SplitKind.GeomGcn);
        Assert.Equal(("geom-gcn", 10, DataVariant.Official), (data.SplitKind, data.Splits.Count, data.Variant));
        Assert.All(data.Splits, split => Assert.Equal((1192, 796, 497), (split.Train.Length, split.Validation.Length, split.Test.Length)));
        Assert.Contains("each split names 2,485 of 2,708 vertices", data.Notes);
        Assert.Equal(18, data.Files.Count);
    }

    [Fact]
    public void Geom_gcn_splits_of_CiteSeer_lose_the_vertices_without_a_label()
    {
        NodeDataSet data = Load("citeseer", SplitKind.GeomGcn);
        int[] sizes = [.. data.Splits.Select(split => split.Train.Length + split.Validation.Length + split.Test.Length)];
        Assert.All(Enumerable.Range(0, 10), k => Assert.InRange(sizes[k], k is 4 or 5 ? 2_090 : 3_312, k is 4 or 5 ? 2_120 : 3_312));
        Assert.Contains(data.Notes, note => note.Contains("names 3,327 of 3,327 vertices, 15 of them without a label, which were taken out", StringComparison.Ordinal));
        Assert.Contains(data.Notes, note => note.Contains("15 vertices that neither allx nor tx names", StringComparison.Ordinal) || note.Contains("15 vertices that neither allx nor tx name have", StringComparison.Ordinal));
    }

    [Fact]
    public void Splits_that_a_data_set_has_not_are_refused()
    {
        string folder = SharedData.Require("data", "graph");
        OneSentence.Of<ArgumentException>(() => GraphDataSets.Load("minesweeper", folder, new SplitOptions(SplitKind.GeomGcn)), "minesweeper", "no geom-gcn");
        OneSentence.Of<ArgumentException>(() => GraphDataSets.Load("cora-gnn-benchmark", folder, new SplitOptions(SplitKind.Public)), "cora-gnn-benchmark", "random");
        using var alone = new TemporaryFolder();
        alone.CopyFrom(Path.Combine(folder, "planetoid"), "ind.cora.*");
        OneSentence.Of<FileNotFoundException>(() => GraphDataSets.Load("cora", alone.Path, new SplitOptions(SplitKind.GeomGcn)), "cora_split_0.6_0.2_0.npz", "data get cora");
    }

    [Fact]
    public void Shares_add_up_and_too_few_labels_are_refused()
    {
        int[] labels = [.. Enumerable.Range(0, 100).Select(v => v % 10 == 0 ? -1 : v % 3)];
        IReadOnlyList<NodeSplit> splits = RandomSplits.Share(labels, 7, count: 4);
        Assert.Equal(4, splits.Count);
        Assert.All(splits, split =>
        {
            Assert.Equal((54, 18, 18), (split.Train.Length, split.Validation.Length, split.Test.Length));
            Assert.Equal(Enumerable.Range(0, 100).Where(v => labels[v] >= 0), split.Train.Concat(split.Validation).Concat(split.Test).Order());
        });
        OneSentence.Of<ArgumentException>(() => RandomSplits.Share([0, 1, -1], 0), "2 vertices with a label");
        OneSentence.Of<ArgumentException>(() => RandomSplits.PerClass(labels, 3, 0), "90 vertices have a label", "60 of which");
    }

    private static NodeDataSet Load(string name, SplitKind kind, ulong seed = 0) => GraphDataSets.Load(name, SharedData.Require("data", "graph"), new SplitOptions(kind, seed));
}
