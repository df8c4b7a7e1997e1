using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.DataSets;

public class GraphClassificationTests
{
    private static readonly string[] Edges = ["1, 2", "2, 1", "2, 3", "3,2", "4, 5", "5, 4"];

    [Theory]
    [InlineData("mutag", 188, 17.93, 19.79, 7, new[] { 63, 125 }, new[] { "0", "2" }, 180)]
    [InlineData("proteins", 1113, 39.06, 72.82, 3, new[] { 663, 450 }, new[] { "0", "1" }, 1110)]
    [InlineData("nci1", 4110, 29.87, 32.30, 37, new[] { 2053, 2057 }, new[] { "0", "1" }, 4110)]
    [InlineData("imdb-binary", 1000, 19.77, 96.53, 65, new[] { 500, 500 }, new[] { "0", "1" }, 1000)]
    public void Counts_are_the_published_ones(string name, int graphs, double vertices, double edges, int features, int[] perClass, string[] classes, int tested)
    {
        GraphDataSet data = GraphDataSets.LoadGraphs(name, SharedData.Require("data", "graph"));
        Assert.Equal((graphs, features, DataVariant.Official), (data.Count, data.Packed.Features.Columns, data.Variant));
        Assert.Equal(vertices, (double)data.Packed.Graph.VertexCount / graphs, 0.005);
        Assert.Equal(edges, (double)data.Packed.Graph.EdgeCount / graphs, 0.005);
        Assert.Equal(perClass, Enumerable.Range(0, 2).Select(k => data.Labels.Count(label => label == k)));
        Assert.Equal(classes, data.ClassNames);
        Assert.Equal(10, data.Folds.Count);
        Assert.Equal(tested, data.Folds.SelectMany(fold => fold.Test).Distinct().Count());
        Assert.Equal(tested < graphs, data.Notes.Any(note => note.Contains($"cover {tested:N0} of {graphs:N0} graphs", StringComparison.Ordinal)));
        Assert.Equal(name == "imdb-binary", data.Notes.Any(note => note.Contains("one-hot degree", StringComparison.Ordinal)));
        for (int k = 0; k < 10; k++)
        {
            // The fold after a test fold validates, and the three parts are all graphs.
            Assert.Equal(data.Folds[(k + 1) % 10].Test, data.Folds[k].Validation);
            Assert.Equal(Enumerable.Range(0, graphs), data.Folds[k].Train.Concat(data.Folds[k].Validation).Concat(data.Folds[k].Test).Order());
        }
    }

    [Fact]
    public void A_batch_holds_its_graphs_as_they_are()
    {
        GraphDataSet data = GraphDataSets.LoadGraphs("mutag", SharedData.Require("data", "graph"));
        int[] chosen = [187, 3, 3, 0];
        PackedGraphs batch = data.Pack(chosen);
        Assert.Equal(4, batch.Count);
        float[] all = data.Packed.Features.ToDense(), own = batch.Features.ToDense();
        for (int i = 0; i < 4; i++)
        {
            int from = data.Packed.Offsets[chosen[i]], at = batch.Offsets[i];
            Assert.Equal(data.Packed.Offsets[chosen[i] + 1] - from, batch.Offsets[i + 1] - at);
            for (int v = 0; v < batch.Offsets[i + 1] - at; v++)
            {
                Assert.Equal(data.Packed.Graph.Neighbours(from + v).ToArray().Select(w => w - from), batch.Graph.Neighbours(at + v).ToArray().Select(w => w - at));
                Assert.Equal(all.AsSpan((from + v) * 7, 7).ToArray(), own.AsSpan((at + v) * 7, 7).ToArray());
                Assert.Equal(i, batch.GraphOfVertex()[at + v]);
            }
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => data.Pack([188]));
        Assert.Equal(0, data.Pack([]).Count);
    }

    [Fact]
    public void Text_without_folds_gets_folds_with_their_share_of_each_class()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(SharedData.Require("data", "graph"), "graph-classification", "MUTAG", "MUTAG.txt"), folder.File("MUTAG.txt"));
        GraphDataSet data = GraphDataSets.LoadGraphs("mutag", folder.Path);
        Assert.Equal(Enumerable.Range(0, 188), data.Folds.SelectMany(fold => fold.Test).Order());
        Assert.All(data.Folds, fold => Assert.InRange(fold.Test.Count(g => data.Labels[g] == 0), 6, 7));
        Assert.Contains(data.Notes, note => note.Contains("ten folds drawn at random", StringComparison.Ordinal));
        Assert.NotEqual(data.Folds[0].Test, GraphDataSets.LoadGraphs("mutag", folder.Path, new SplitOptions(SplitKind.Own, 1)).Folds[0].Test);
    }

    [Fact]
    public void The_format_of_Dortmund_is_read()
    {
        using var folder = new TemporaryFolder();
        Dortmund(folder);
        GraphDataSet data = GraphDataSets.LoadGraphs("mutag", folder.Path);
        Assert.Equal((12, 24, 7), (data.Count, data.Packed.Graph.VertexCount, data.Packed.Features.Columns));
        Assert.Equal(["-1", "1"], data.ClassNames);
        Assert.Equal([0, 3, 5], data.Packed.Offsets[..3]);
        Assert.Equal([1], data.Packed.Graph.Neighbours(0).ToArray());
        Assert.Equal([0, 2], data.Packed.Graph.Neighbours(1).ToArray());
        Assert.Equal([0, 0, 0, 0, 1, 0.5f, -1], data.Packed.Features.ToDense()[7..14]);
        Assert.Equal(DataVariant.Unverified, data.Variant);
    }

    [Theory]
    [InlineData("MUTAG_A.txt", "1, 25", "MUTAG_A.txt, line 7", "1 to 24")]
    [InlineData("MUTAG_A.txt", "3, 4", "edge joins vertex 2 of graph 0")]
    [InlineData("MUTAG_graph_indicator.txt", "12", "25 vertices", "24")]
    [InlineData("MUTAG_graph_indicator.txt", "11", "MUTAG_graph_indicator.txt, line 25", "graph 11 after graph 12")]
    [InlineData("MUTAG_graph_labels.txt", "1", "12 graphs", "13")]
    [InlineData("MUTAG_node_labels.txt", "x", "line 25", "'x'")]
    [InlineData("MUTAG_node_attributes.txt", "1", "line 25", "1 attributes", "2")]
    public void Broken_lines_of_Dortmund_are_named(string file, string line, params string[] mentions)
    {
        using var folder = new TemporaryFolder();
        Dortmund(folder);
        File.AppendAllText(folder.File(file), line + "\n");
        string message = Assert.Throws<InvalidDataException>(() => GraphDataSets.LoadGraphs("mutag", folder.Path)).Message;
        Assert.Contains(mentions[^1], message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2\n1 0\n0 0\n", "line 3", "end of the file")]
    [InlineData("1\n2 0\n0 1 2\n0 0\n", "line 3", "neighbour 2", "0 to 1")]
    [InlineData("1\n1 0\n0 3 0\n", "line 3", "as many neighbours")]
    [InlineData("1\n1 0\n0 0\n5\n", "line 4", "1 more numbers")]
    [InlineData("x\n", "line 1", "'x'")]
    [InlineData("1\n0 1\n", "line 2", "1 or more")]
    [InlineData("99999999999\n", "line 1")]
    public void Broken_lines_of_text_are_named(string text, params string[] mentions)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("MUTAG.txt"), text);
        OneSentence.Of<InvalidDataException>(() => GraphDataSets.LoadGraphs("mutag", folder.Path), ["MUTAG.txt", .. mentions]);
    }

    [Fact]
    public void Attributes_stand_behind_the_tags()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("MUTAG.txt"), "12\n" + string.Concat(Enumerable.Range(0, 12).Select(g => $"2 {g % 2}\n4 1 1 0.5\n9 1 0 -2\n")));
        GraphDataSet data = GraphDataSets.LoadGraphs("mutag", folder.Path);
        Assert.Equal([1, 0, 0.5f, 0, 1, -2], data.Packed.Features.ToDense()[..6]);
        Assert.Equal([4, 9], data.Tags![..2]);
    }

    [Fact]
    public void Graphs_of_ones_own_are_packed_and_checked()
    {
        PackedGraphs packed = PackedGraphs.Of((TestGraphs.Cycle(3), NodeFeatures.Of([1, 2, 3], 3, 1)), (TestGraphs.Star(2), NodeFeatures.Of([4, 5, 6], 3, 1)));
        Assert.Equal([0, 3, 6], packed.Offsets);
        Assert.Equal([4, 5], packed.Graph.Neighbours(3).ToArray());
        Assert.Equal([1, 2, 3, 4, 5, 6], packed.Features.ToDense());
        OneSentence.Of<InvalidDataException>(() => _ = new PackedGraphs(TestGraphs.Cycle(4), [0, 2, 4], NodeFeatures.Of(new float[4], 4, 1)), "edge joins vertex");
        OneSentence.Of<InvalidDataException>(() => _ = new PackedGraphs(TestGraphs.Cycle(4), [0, 4, 4], NodeFeatures.Of(new float[4], 4, 1)), "offsets must rise");
        OneSentence.Of<InvalidDataException>(() => PackedGraphs.Of((TestGraphs.Cycle(3), NodeFeatures.Of([1, 2], 2, 1))), "Graph 0", "2 x 1");
        OneSentence.Of<InvalidDataException>(() => Toy(new GraphFold([0], [1], [1])), "graph 1 in validation and in test");
        OneSentence.Of<InvalidDataException>(() => Toy(new GraphFold([0], [], [1])), "no validation");
        OneSentence.Of<InvalidDataException>(() => Toy(new GraphFold([0], [1], [2])), "test graph 2", "0 to 1");

        GraphDataSet Toy(GraphFold fold) => new("toy", packed.Graph, packed.Offsets, packed.Features, [0, 1], 2, [fold], DataVariant.Drawn, []);
    }

    /// <summary>Twelve graphs: a path of three vertices, pairs, and single ones at the end.</summary>
    private static void Dortmund(TemporaryFolder folder)
    {
        int[] sizes = [3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1];
        File.WriteAllLines(folder.File("MUTAG_A.txt"), Edges);
        File.WriteAllLines(folder.File("MUTAG_graph_indicator.txt"), sizes.SelectMany((n, g) => Enumerable.Repeat($"{g + 1}", n)));
        File.WriteAllLines(folder.File("MUTAG_graph_labels.txt"), sizes.Select((_, g) => g % 2 == 0 ? "1" : "-1"));
        File.WriteAllLines(folder.File("MUTAG_node_labels.txt"), Enumerable.Range(0, 24).Select(v => $"{(v * 4) % 5}"));
        File.WriteAllLines(folder.File("MUTAG_node_attributes.txt"), Enumerable.Range(0, 24).Select(_ => "0.5, -1"));
    }
}
