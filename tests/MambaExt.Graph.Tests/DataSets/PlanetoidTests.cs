using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;
using MambaExt.Tests.Shared;

namespace MambaExt.Graph.Tests.DataSets;

public class PlanetoidTests
{
    [Theory]
    [InlineData("cora", 2708, 5278, 1433, 49216, 7, 140)]
    [InlineData("citeseer", 3327, 4552, 3703, 105165, 6, 120)]
    public void Counts_are_the_published_ones(string name, int vertices, long edges, int features, long nonZeros, int classes, int train)
    {
        NodeDataSet data = GraphDataSets.Load(name, SharedData.Require("data", "graph"));
        Assert.Equal((vertices, edges), (data.Graph.VertexCount, data.Graph.EdgeCount));
        Assert.Equal((vertices, features, nonZeros), (data.Features.Rows, data.Features.Columns, data.Features.NonZeroCount));
        Assert.Equal(nonZeros, data.Features.Sparse!.EntryCount);
        Assert.Equal((classes, NodeMetric.Accuracy), (data.ClassCount, data.Metric));
        NodeSplit split = Assert.Single(data.Splits);
        Assert.Equal((train, 500, 1000), (split.Train.Length, split.Validation.Length, split.Test.Length));
        Assert.Equal((DataVariant.Official, 8), (data.Variant, data.Files.Count));
        int perClass = train / classes;
        Assert.All(Enumerable.Range(0, classes), k => Assert.Equal(perClass, split.Train.Count(v => data.Labels[v] == k)));
    }

    [Theory]
    [InlineData("cora", 0.810)]
    [InlineData("citeseer", 0.735)]
    public void Labels_agree_along_edges_as_published(string name, double homophily)
    {
        NodeDataSet data = GraphDataSets.Load(name, SharedData.Require("data", "graph"));
        Assert.Equal(homophily, Homophily.Of(data), 0.0006);
    }

    [Fact]
    public void Vertices_missing_from_CiteSeer_have_no_features_and_no_label()
    {
        NodeDataSet data = GraphDataSets.Load("citeseer", SharedData.Require("data", "graph"));
        int[] missing = [.. Enumerable.Range(0, 3327).Where(v => data.Labels[v] < 0)];
        Assert.Equal(15, missing.Length);
        Assert.All(missing, v => Assert.InRange(v, 2312, 3326));
        Assert.All(missing, v => Assert.Equal(data.Features.Sparse!.Offsets[v], data.Features.Sparse.Offsets[v + 1]));
        // 124 vertices are their own neighbours, each listed twice.
        Assert.Equal(2 * 124, data.Graph.Summary.SelfLoopsDropped);
    }

    [Fact]
    public void Test_rows_go_to_the_vertices_that_the_index_names()
    {
        string folder = SharedData.Require("data", "graph", "planetoid");
        int[] index = [.. File.ReadAllLines(Path.Combine(folder, "ind.cora.test.index")).Select(int.Parse)];
        var test = (SparseCsr)PickleReader.Read(Path.Combine(folder, "ind.cora.tx"))!;
        SparseMatrix features = GraphDataSets.Load("cora", folder).Features.Sparse!;
        for (int k = 0; k < index.Length; k++)
        {
            Assert.Equal(
                test.Indices[(int)test.IndPtr[k]..(int)test.IndPtr[k + 1]], features.Indices[(int)features.Offsets[index[k]]..(int)features.Offsets[index[k] + 1]]);
        }
    }

    [Fact]
    public void Normalised_rows_sum_to_one_and_are_logged()
    {
        NodeDataSet data = GraphDataSets.Load("citeseer", SharedData.Require("data", "graph")), normalised = data.WithRowNormalisedFeatures();
        Assert.Equal(["rows normalised"], normalised.Transforms);
        Assert.Contains("rows normalised", normalised.Summary, StringComparison.Ordinal);
        var sparse = normalised.Features.Sparse!;
        for (int v = 0; v < sparse.Rows; v++)
        {
            float[] row = sparse.Values[(int)sparse.Offsets[v]..(int)sparse.Offsets[v + 1]];
            Assert.Equal(row.Length == 0 ? 0 : 1, row.Sum(), 1e-4);
        }

        Assert.Equal(1f, data.Features.Sparse!.Values[0]);
    }

    [Fact]
    public void Summary_says_what_was_loaded() => Assert.Equal(
        "cora, official: 2,708 vertices, 5,278 edges, 1,433 sparse features (49,216 not zero), 7 classes, 1 split of 140 / 500 / 1,000, accuracy",
        GraphDataSets.Load("Cora", SharedData.Require("data", "graph")).Summary);

    [Fact]
    public void Another_file_makes_the_data_set_unofficial()
    {
        using var folder = new TemporaryFolder();
        folder.CopyFrom(SharedData.Require("data", "graph", "planetoid"), "ind.cora.*");
        File.AppendAllText(folder.File("ind.cora.test.index"), "\n");
        NodeDataSet data = GraphDataSets.Load("cora", folder.Path);
        Assert.Equal((DataVariant.Unofficial, false), (data.Variant, data.IsOfficial));
        Assert.Equal("ind.cora.test.index", Assert.Single(data.Files, file => file.Official == false).Name);
        Assert.StartsWith("cora, unofficial: ", data.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_do_not_belong_together_are_refused_in_one_sentence()
    {
        using var folder = new TemporaryFolder();
        string from = SharedData.Require("data", "graph", "planetoid");
        void With(string part, Action<string> change, params string[] mentions)
        {
            folder.CopyFrom(from, "ind.cora.*");
            change(folder.File("ind.cora." + part));
            OneSentence.Of<InvalidDataException>(() => GraphDataSets.Load("cora", folder.Path), mentions);
        }

        string[] index = File.ReadAllLines(Path.Combine(from, "ind.cora.test.index"));
        With("test.index", path => File.WriteAllLines(path, index[1..]), "test.index 999");
        With("test.index", path => File.WriteAllLines(path, [index[1], .. index[1..]]), "test.index names vertex", "before");
        With("test.index", path => File.WriteAllLines(path, ["17", .. index[1..]]), "vertex 17", "row of allx");
        With("test.index", path => File.WriteAllLines(path, ["x1", .. index[1..]]), "line 1", "'x1'");
        With("test.index", path => File.WriteAllLines(path, [.. index.Select(line => line == "2707" ? "2000000000" : line)]), "lists 2708 vertices", "2000000000");
        With("tx", path => File.Copy(Path.Combine(from, "ind.citeseer.tx"), path, true), "1433", "3703");
        With("graph", path => File.Copy(Path.Combine(from, "ind.citeseer.graph"), path, true), "graph lists 3327 vertices");
        With("allx", path => File.Copy(Path.Combine(from, "ind.cora.ally"), path, true), "ind.cora.allx", "sparse matrix");
        With("ally", path => File.Copy(Path.Combine(from, "ind.cora.allx"), path, true), "ind.cora.ally", "one-hot");
        With("graph", path => File.Copy(Path.Combine(from, "ind.cora.ty"), path, true), "ind.cora.graph", "dict");
    }
}
