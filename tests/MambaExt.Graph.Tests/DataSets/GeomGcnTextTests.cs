using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.DataSets;

public class GeomGcnTextTests
{
    private const string Six = "0\t0,1\t1\n1\t1,0\t0\n2\t0,0\t1\n3\t1,1\t0\n5\t1,1\t0\n4\t1,1\t0";

    [Fact]
    public void Texas_has_the_published_counts()
    {
        NodeDataSet data = GraphDataSets.Load("texas", SharedData.Require("data", "graph"));
        Assert.Equal((183, 279L, 1703, 5), (data.Graph.VertexCount, data.Graph.EdgeCount, data.Features.Columns, data.ClassCount));
        Assert.Equal((325L, 16L, DataVariant.Official, "own"), (data.Graph.Summary.ArcsGiven, data.Graph.Summary.SelfLoopsDropped, data.Variant, data.SplitKind));
        Assert.Equal(10, data.Splits.Count);
        Assert.All(data.Splits, split => Assert.Equal((87, 59, 37), (split.Train.Length, split.Validation.Length, split.Test.Length)));

        // The row of a vertex is where the file says, not where it stands.
        string[] line = File.ReadLines(Path.Combine(SharedData.Require("data", "graph"), "geom-gcn", "texas", "out1_node_feature_label.txt")).Last().Split('\t');
        float[] row = data.Features.ToDense().AsSpan(int.Parse(line[0]) * 1703, 1703).ToArray();
        Assert.Equal(line[1].Split(',').Select(float.Parse), row);
    }

    [Theory]
    [InlineData("node_id\tfeature\tlabel", 932)]
    [InlineData("node_id\tfeature\tlabel\tfeature_amount:50", 50)]
    public void Numbers_of_features_are_read_too(string header, int features)
    {
        using var folder = new TemporaryFolder();
        Write(folder, "film", header, "0\t3,17\t1\n1\t0\t0\n2\t\t1\n3\t49,2,2\t0");
        NodeDataSet data = GraphDataSets.Load("actor", folder.Path);
        Assert.Equal((4, features), (data.Features.Rows, data.Features.Columns));
        Assert.Equal([3, 17, 0, 2, 49], data.Features.Sparse!.Indices);
        Assert.Equal([0L, 2, 3, 3, 5], data.Features.Sparse.Offsets);
        Assert.Equal((2L, 1L, 1L, 1), (data.Graph.EdgeCount, data.Graph.Summary.RepeatsDropped, data.Graph.Summary.SelfLoopsDropped, data.Graph.Summary.IsolatedVertices));
    }

    [Fact]
    public void Folder_name_tells_sets_apart_where_the_splits_are_elsewhere()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in new[] { "texas", "cornell" })
        {
            Write(folder, name, "h", Six, splits: false, "new_data", name);
        }

        Assert.Equal(("cornell", "random"), (GraphDataSets.Load("cornell", folder.Path).Name, GraphDataSets.Load("cornell", folder.Path).SplitKind));
        Write(folder, "cornell", "h", Six, splits: true, "splits");
        File.Delete(folder.File("splits", "out1_graph_edges.txt"));
        Assert.Equal("own", GraphDataSets.Load("cornell", folder.Path).SplitKind);
    }

    [Theory]
    [InlineData("0\t0,1\t1\n1\t1,0", "line 3", "vertex, features and class")]
    [InlineData("0\t0,1\t1\n0\t1,0\t0", "line 3", "vertex 0 a second time")]
    [InlineData("0\t0,1\t1\n7\t1,0\t0", "line 3", "'7'", "0 to 1")]
    [InlineData("0\t0,x\t1\n1\t1,0\t0", "line 2", "'x'")]
    [InlineData("0\t0,1\tred\n1\t1,0\t0", "line 2", "'red'")]
    [InlineData("", "no vertex")]
    public void Broken_lines_are_named(string rows, params string[] mentions)
    {
        using var folder = new TemporaryFolder();
        Write(folder, "texas", "node_id\tfeature\tlabel", rows);
        OneSentence.Of<InvalidDataException>(() => GraphDataSets.Load("texas", folder.Path), ["out1_node_feature_label.txt", .. mentions]);
    }

    private static void Write(TemporaryFolder folder, string prefix, string header, string rows, bool splits = true, params string[] below)
    {
        File.WriteAllText(folder.File([.. below, "out1_graph_edges.txt"]), "node_id\tnode_id\n0\t1\n1\t0\n0\t1\n2\t0\n0\t0\n");
        File.WriteAllText(folder.File([.. below, "out1_node_feature_label.txt"]), $"{header}\n{rows}\n");
        int vertices = rows.Split('\n').Length;
        NpyArray Mask(int from, int to) => NpyArray.Of<byte>([.. Enumerable.Range(0, vertices).Select(v => (byte)(v >= from && v <= to ? 1 : 0))], vertices);
        for (int k = 0; splits && k < 10; k++)
        {
            NpzFile.Write(folder.File([.. below, $"{prefix}_split_0.6_0.2_{k}.npz"]),
            [
                ("train_mask", Mask(0, 1)), ("val_mask", NpyArray.Of<bool>([.. Enumerable.Range(0, vertices).Select(v => v == 2)], vertices)), ("test_mask", Mask(3, 3)),
            ]);
        }
    }
}
