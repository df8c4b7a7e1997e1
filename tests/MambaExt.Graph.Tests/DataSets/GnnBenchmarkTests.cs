using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.DataSets;

public class GnnBenchmarkTests
{
    [Theory]
    [InlineData("amazon-photo", 7650, 119081, 745, 8, 0.827, 4590, 1530, 1530)]
    [InlineData("coauthor-cs", 18333, 81894, 6805, 15, 0.808, 10999, 3666, 3668)]
    public void Pickled_matrices_and_index_splits_have_the_published_counts(
        string name, int vertices, long edges, int features, int classes, double homophily, int train, int validation, int test)
    {
        NodeDataSet data = GraphDataSets.Load(name, SharedData.Require("data", "graph"));
        Assert.Equal((vertices, edges, features, classes), (data.Graph.VertexCount, data.Graph.EdgeCount, data.Features.Columns, data.ClassCount));
        Assert.Equal(homophily, Homophily.Of(data), 0.0006);
        NodeSplit split = Assert.Single(data.Splits);
        Assert.Equal((train, validation, test), (split.Train.Length, split.Validation.Length, split.Test.Length));
        Assert.Equal(("own", DataVariant.Official, 2), (data.SplitKind, data.Variant, data.Files.Count));
    }

    [Fact]
    public void Directed_adjacency_is_made_undirected_and_reported()
    {
        NodeDataSet data = GraphDataSets.Load("amazon-photo", SharedData.Require("data", "graph"));
        Assert.Equal((143_663L, 1L), (data.Graph.Summary.ArcsGiven, data.Graph.Summary.SelfLoopsDropped));
        Assert.Contains("from 143,663 arcs without 1 self-loops", data.Report[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cora-gnn-benchmark", 2708, 5278, 1433, 7, 0.810)]
    [InlineData("citeseer-gnn-benchmark", 3312, 4536, 3703, 6, 0.738)]
    public void Parts_of_matrices_have_the_published_counts(string name, int vertices, long edges, int features, int classes, double homophily)
    {
        NodeDataSet data = GraphDataSets.Load(name, SharedData.Require("data", "graph"));
        Assert.Equal((vertices, edges, features, classes), (data.Graph.VertexCount, data.Graph.EdgeCount, data.Features.Columns, data.ClassCount));
        Assert.Equal(homophily, Homophily.Of(data), 0.0006);
        Assert.Equal(("random", 10), (data.SplitKind, data.Splits.Count));
        Assert.Equal(classes, data.ClassNames.Distinct().Count());
    }

    [Theory]
    [InlineData("adj_data", "attr_data", "labels")]
    [InlineData("adj_matrix.data", "attr_matrix.data", "labels")]
    [InlineData("adj_matrix.data", "attr_matrix", "node_label")]
    public void Both_styles_of_keys_are_read(string adjacency, string attributes, string labels)
    {
        using var folder = new TemporaryFolder();
        Write(folder.File("cora_ml.npz"), adjacency[..^4], attributes, labels);
        NodeDataSet data = GraphDataSets.Load("cora-ml", folder.Path);
        Assert.Equal((10, 9L, DataVariant.Unverified), (data.Graph.VertexCount, data.Graph.EdgeCount, data.Variant));
        Assert.Equal((1L, 1), (data.Graph.Summary.SelfLoopsDropped, data.Graph.Summary.Vertices - 9));
        Assert.Equal([1, 0, 0, 2], data.Features.ToDense()[..4]);
        Assert.Contains("weights of the adjacency are not used", data.Notes);
        Assert.Contains("1 stored zeros of the adjacency are no edges", data.Notes);
    }

    [Fact]
    public void Split_file_is_found_anywhere_and_checked()
    {
        using var folder = new TemporaryFolder();
        Write(folder.File("a", "amazon_photo.npz"), "adj_", "attr_data", "labels");
        string split = folder.File("b", "amazon-photo_split.npz");
        NpzFile.Write(split, [("train", NpyArray.Of<long>([0, 1], 2)), ("valid", NpyArray.Of<long>([2], 1)), ("test", NpyArray.Of<long>([9, 3], 2))]);
        NodeDataSet data = GraphDataSets.Load("amazon-photo", folder.Path);
        Assert.Equal([3, 9], Assert.Single(data.Splits).Test);
        NpzFile.Write(split, [("train", NpyArray.Of<long>([0, 10], 2)), ("valid", NpyArray.Of<long>([2], 1)), ("test", NpyArray.Of<long>([3], 1))]);
        OneSentence.Of<InvalidDataException>(() => GraphDataSets.Load("amazon-photo", folder.Path), "amazon-photo_split.npz", "entry 1 of train is 10", "0 to 9");
        folder.Write("c", "amazon-photo_split.npz");
        OneSentence.Of<InvalidDataException>(() => GraphDataSets.Load("amazon-photo", folder.Path), folder.File("b"), folder.File("c"));
    }

    [Fact]
    public void Other_files_are_refused_in_one_sentence()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("cora_ml.npz");
        NpzFile.Write(path, [("x", NpyArray.Of<float>([1], 1))]);
        OneSentence.Of<InvalidDataException>(() => GraphDataSets.Load("cora-ml", folder.Path), "cora_ml.npz", "adj_data", "only x");
        Write(path, "adj_", "attr_data", "labels", labels: 9);
        OneSentence.Of<InvalidDataException>(() => GraphDataSets.Load("cora-ml", folder.Path), "10 rows of the adjacency", "9 labels");
    }

    /// <summary>A path of ten vertices with a loop and a stored zero at its end; two features of two vertices.</summary>
    private static void Write(string path, string adjacency, string attributes, string labelKey, int labels = 10)
    {
        int[] columns = [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 0];
        long[] starts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11];
        var arrays = new List<(string, NpyArray)>
        {
            (adjacency + "data", NpyArray.Of<float>([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 0], 11)), (adjacency + "indices", NpyArray.Of<int>(columns, 11)),
            (adjacency + "indptr", NpyArray.Of<long>(starts, 11)), (adjacency + "shape", NpyArray.Of<long>([10, 10], 2)),
            (labelKey, NpyArray.Of<sbyte>([.. Enumerable.Range(0, labels).Select(v => (sbyte)(v % 2))], labels)),
        };
        if (attributes.EndsWith("data", StringComparison.Ordinal))
        {
            string prefix = attributes[..^4];
            arrays.AddRange(
            [
                (attributes, NpyArray.Of<float>([1, 2], 2)), (prefix + "indices", NpyArray.Of<int>([0, 1], 2)),
                (prefix + "indptr", NpyArray.Of<long>([0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2], 11)), (prefix + "shape", NpyArray.Of<long>([10, 2], 2)),
            ]);
        }
        else
        {
            arrays.Add((attributes, NpyArray.Of<float>([1, 0, 0, 2, .. new float[16]], 10, 2)));
        }

        NpzFile.Write(path, arrays);
    }
}
