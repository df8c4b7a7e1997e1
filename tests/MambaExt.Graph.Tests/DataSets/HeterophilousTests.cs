using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Tests.Support;
using MambaExt.Tests.Shared;

namespace MambaExt.Graph.Tests.DataSets;

public class HeterophilousTests
{
    [Theory]
    [InlineData("minesweeper", 10000, 39402, 7, 2000, 5000, 2500, 2500, 0.683)]
    [InlineData("tolokers", 11758, 519000, 10, 2566, 5879, 2939, 2940, 0.595)]
    public void Counts_are_the_published_ones(
        string name, int vertices, long edges, int features, int positives, int train, int validation, int test, double homophily)
    {
        NodeDataSet data = GraphDataSets.Load(name, SharedData.Require("data", "graph"));
        Assert.Equal((vertices, edges), (data.Graph.VertexCount, data.Graph.EdgeCount));
        Assert.Equal((vertices, features), (data.Features.Rows, data.Features.Columns));
        Assert.Equal(vertices * features, data.Features.Dense!.Length);
        Assert.Equal((2, NodeMetric.RocAuc, DataVariant.Official), (data.ClassCount, data.Metric, data.Variant));
        Assert.Equal((positives, vertices - positives), (data.Labels.Count(y => y == 1), data.Labels.Count(y => y == 0)));
        Assert.Equal(10, data.Splits.Count);
        Assert.All(data.Splits, split => Assert.Equal((train, validation, test), (split.Train.Length, split.Validation.Length, split.Test.Length)));
        Assert.Equal(homophily, Homophily.Of(data), 0.0006);
        Assert.Equal((edges, 0L, 0L), (data.Graph.Summary.ArcsGiven, data.Graph.Summary.SelfLoopsDropped, data.Graph.Summary.RepeatsDropped));
    }

    [Fact]
    public void File_that_is_not_the_published_one_is_read_and_says_so()
    {
        using var folder = new TemporaryFolder();
        Write(folder.File("roman_empire.npz"));
        NodeDataSet data = GraphDataSets.Load("roman_empire", folder.Path);
        Assert.Equal((DataVariant.Unofficial, "roman-empire", NodeMetric.Accuracy, 3), (data.Variant, data.Name, data.Metric, data.ClassCount));
        Assert.Equal([0.5f, 1, 1.5f], data.Features.Dense![..3]);
        Assert.Equal([0, 3], data.Splits[1].Train);
    }

    [Fact]
    public void Broken_files_are_refused_in_one_sentence()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("roman_empire.npz");
        void Refuses<T>(string[] mentions)
            where T : Exception => OneSentence.Of<T>(() => GraphDataSets.Load("roman-empire", folder.Path), mentions);

        Write(path, edges: [0, 1, 1, 6]);
        Refuses<InvalidDataException>(["roman_empire.npz", "1 and 6", "0 to 5"]);
        Write(path, labels: [0, 1, 2, 0, 1, -3]);
        Refuses<InvalidDataException>(["Vertex 5", "-3"]);
        Write(path, labels: [0, 1, 2]);
        Refuses<InvalidDataException>(["node_labels", "3", "6"]);
        Write(path, train: new bool[12]);
        Refuses<InvalidDataException>(["Split 0", "no train"]);
        Write(path, train: [true, true, false, true, false, false, true, false, false, true, false, false]);
        Refuses<InvalidDataException>(["Split 0", "vertex 1", "train", "validation"]);
        Write(path, key: "kanten");
        Refuses<KeyNotFoundException>(["edges", "kanten"]);
        Write(path, edgeShape: [1, 4]);
        Refuses<InvalidDataException>(["edges", "[1, 4]", "[any, 2]"]);
    }

    /// <summary>Six vertices in a path of three classes, two splits.</summary>
    private static void Write(
        string path, long[]? edges = null, long[]? labels = null, bool[]? train = null, string key = "edges", long[]? edgeShape = null)
    {
        edges ??= [0, 1, 1, 2];
        labels ??= [0, 1, 2, 0, 1, 2];
        train ??= [true, false, false, true, false, false, true, false, false, true, false, false];
        bool[] validation = [false, true, false, false, true, false, false, true, false, false, true, false];
        bool[] test = [false, false, true, false, false, true, false, false, true, false, false, true];
        NpzFile.Write(path,
        [
            ("node_features", NpyArray.Of<float>([.. Enumerable.Range(1, 18).Select(i => i / 2f)], 6, 3)),
            ("node_labels", NpyArray.Of<long>(labels, labels.Length)),
            (key, NpyArray.Of<long>(edges, edgeShape ?? [edges.Length / 2, 2])),
            ("train_masks", NpyArray.Of<bool>(train, 2, 6)),
            ("val_masks", NpyArray.Of<bool>(validation, 2, 6)),
            ("test_masks", NpyArray.Of<bool>(test, 2, 6)),
        ]);
    }
}
