using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.DataSets.Own;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.DataSets;

public sealed class OwnGraphTests : IDisposable
{
    private const string Words = "source,target\nann,bob\nbob,ann\nbob,cid\ncid,cid\n";
    private const string WordLabels = "name,label\nann,red\nbob,blue\ncid,red\ndan,blue\neve,red\nfay,\n";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Names_features_and_labels_are_joined_by_name()
    {
        NodeDataSet data = OwnGraph.Load(new OwnGraphFiles(Write("edges.csv", Words))
        {
            Features = Write("f.csv", "id,age,height\nfay,6,0.6\neve,5,0.5\ndan,4,0.4\ncid,3,0.3\nbob,2,0.2\nann,1,0.1\n"),
            Labels = Write("l.tsv", WordLabels.Replace(',', '\t')),
            Split = Write("s.csv", "node,split\nann,train\nbob,train\ncid,val\ndan,test\neve,test\n"),
        });
        Assert.Equal(("edges", DataVariant.Own, "own", 4), (data.Name, data.Variant, data.SplitKind, data.Files.Count));
        Assert.Equal(["fay", "eve", "dan", "cid", "bob", "ann"], data.VertexNames!);
        Assert.Equal(["blue", "red"], data.ClassNames);
        Assert.Equal([-1, 1, 0, 1, 0, 1], data.Labels);
        Assert.Equal([6f, 0.6f, 5], data.Features.Dense![..3]);
        Assert.Equal([3, 5], data.Graph.Neighbours(4).ToArray());
        Assert.Equal((1L, 0L, 3), (data.Graph.Summary.SelfLoopsDropped, data.Graph.Summary.RepeatsDropped, data.Graph.Summary.IsolatedVertices));
        NodeSplit split = Assert.Single(data.Splits);
        Assert.Equal(("4,5", "3", "1,2"), (string.Join(',', split.Train), string.Join(',', split.Validation), string.Join(',', split.Test)));
        Assert.Contains(data.Notes, note => note.Contains("line 1 ('source, target') is taken for names of columns", StringComparison.Ordinal));
        Assert.Contains(data.Notes, note => note.Contains("1 of 6 vertices have no class", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("0,1\n1,2\n2,3\n3,4\n")]
    [InlineData("from\tto\tweight\n0\t1\t2.5\n1\t2\t1\n2\t3\t1\n3\t4\t1\n")]
    [InlineData("# a comment\n0 1\n1 2\n2 3\n3 4\n")]
    public void Numbers_are_vertices_and_rows(string edges)
    {
        NodeDataSet data = OwnGraph.Load(new OwnGraphFiles(Write("g.txt", edges)) { Features = Write("f.csv", "0.5,1\n1.5,2\n2,3\n3,4\n4,5\n5,6\n"), Labels = Write("l.csv", "label\n3\n7\n3\n7\n-1\n7\n") });
        Assert.Null(data.VertexNames);
        Assert.Equal((6, 4L, 2), (data.Graph.VertexCount, data.Graph.EdgeCount, data.Features.Columns));
        Assert.Equal([0, 1, 0, 1, -1, 1], data.Labels);
        Assert.Equal(["3", "7"], data.ClassNames);
        Assert.Equal(("random", 10), (data.SplitKind, data.Splits.Count));
    }

    [Fact]
    public void Arrays_are_features_labels_and_splits()
    {
        string edges = Write("g.csv", "0,1\n1,2\n4,5\n"), labels = Path.Combine(_folder.Path, "l.npy"), split = Path.Combine(_folder.Path, "s.npz");
        NpyFile.Write(labels, NpyArray.Of<long>([1, 0, 1, 0, 1, 0], 6));
        NpzFile.Write(split, [("train_masks", Mask(0, 1)), ("val_masks", Mask(2, 3)), ("test_masks", Mask(4, 5))]);
        string dense = Path.Combine(_folder.Path, "f.npy"), wrapped = Path.Combine(_folder.Path, "w.npz"), sparse = Path.Combine(_folder.Path, "c.npz");
        NpyArray rows = NpyArray.Of<double>([.. Enumerable.Range(0, 12).Select(i => i == 3 ? 2.0 : 0)], 6, 2);
        NpyFile.Write(dense, rows);
        NpzFile.Write(wrapped, [("anything", rows)]);
        NpzFile.Write(sparse,
        [
            ("data", NpyArray.Of<float>([2], 1)), ("indices", NpyArray.Of<int>([1], 1)), ("indptr", NpyArray.Of<int>([0, 0, 1, 1, 1, 1, 1], 7)), ("shape", NpyArray.Of<long>([6, 2], 2)),
        ]);
        foreach (string features in new[] { dense, wrapped, sparse })
        {
            NodeDataSet data = OwnGraph.Load(new OwnGraphFiles(edges) { Features = features, Labels = labels, Split = split, Metric = NodeMetric.RocAuc });
            Assert.Equal(rows.ToFloats(), data.Features.ToDense());
            Assert.Equal(features == sparse, data.Features.Sparse is not null);
            Assert.Equal((2, NodeMetric.RocAuc), (data.Splits.Count, data.Metric));
            Assert.Equal([1], data.Splits[1].Train);
        }

        static NpyArray Mask(int first, int second) => NpyArray.Of<bool>([.. Enumerable.Range(0, 12).Select(i => i == first || i == 6 + second)], 2, 6);
    }

    [Fact]
    public void Without_features_the_degree_stands_for_them()
    {
        NodeDataSet data = OwnGraph.Load(new OwnGraphFiles(Write("edges.csv", Words)) { Labels = Write("l.csv", WordLabels) });
        Assert.Equal([1, MathF.Log(2), 1, MathF.Log(3)], data.Features.Dense![..4]);
        Assert.Equal(["ann", "bob", "cid", "dan", "eve", "fay"], data.VertexNames!);
        Assert.Contains(data.Notes, note => note.Contains("logarithm of the degree", StringComparison.Ordinal));
        OwnVertices vertices = OwnGraph.LoadVertices(new OwnGraphFiles(Write("more.csv", Words)));
        Assert.Equal(["ann", "bob", "cid"], vertices.VertexNames!);
        Assert.Equal(7, OwnGraph.LoadVertices(new OwnGraphFiles(Write("numbers.csv", "0,6\n1,2\n"))).Graph.VertexCount);
    }

    [Fact]
    public void Structure_of_Roman_empire_is_such_a_graph()
    {
        string folder = Path.Combine(SharedData.Require("data", "graph"), "roman-empire-structure");
        NodeDataSet data = OwnGraph.Load(new OwnGraphFiles(Path.Combine(folder, "edges.csv")) { Labels = Path.Combine(folder, "labels.csv") });
        Assert.Equal((22_662, 32_927L, 18), (data.Graph.VertexCount, data.Graph.EdgeCount, data.ClassCount));
        Assert.Equal(0.047, Homophily.Of(data), 0.0006);
    }

    [Theory]
    [InlineData(HeaderLine.Auto, 3)]
    [InlineData(HeaderLine.No, 5)]
    [InlineData(HeaderLine.Yes, 3)]
    public void A_header_can_be_told(HeaderLine header, int vertices) =>
        Assert.Equal(vertices, OwnGraph.LoadVertices(new OwnGraphFiles(Write("e.csv", "from,to\nx,y\ny,z\n")) { Header = header }).Graph.VertexCount);

    [Theory]
    [InlineData("e.csv", "a\n", "e.csv, line 1", "one cell")]
    [InlineData("e.csv", "0,1\n1,\n", "e.csv, line 2", "an empty cell")]
    [InlineData("e.csv", "0,1\n1,6\n", "e.csv, line 2", "'6'", "0 to 5", "f.csv")]
    [InlineData("e.csv", "0,1\n1,-2\n", "e.csv", "'-2' in line 2", "f.csv, line 2", "'1' a second time")]
    [InlineData("e.csv", "0,1\n1,bob\n", "e.csv", "'bob' in line 2", "f.csv, line 2")]
    [InlineData("e.csv", "0,1\n1,2,3\n", "e.csv, line 2", "3 cells")]
    [InlineData("e.csv", "# nothing\n", "e.csv", "no edge")]
    [InlineData("f.csv", "1,2\n3,x\n5,6\n", "f.csv, line 2", "'x'", "finite numbers")]
    [InlineData("f.csv", "1,2\n3,nan\n", "f.csv, line 2", "'nan'")]
    [InlineData("f.csv", "a,b\n", "f.csv", "no row")]
    [InlineData("l.csv", "0\n1\n", "l.csv", "2 entries", "6 vertices")]
    [InlineData("l.csv", "0\n0\n0\n0\n0\n0\n", "l.csv", "1 different classes")]
    [InlineData("l.csv", "0,1,2\n", "l.csv, line 1", "3 cells")]
    [InlineData("l.csv", "0,a\n1,b\n9,a\n", "l.csv, line 3", "'9'")]
    [InlineData("l.csv", "0,a\n1,b\n1,a\n", "l.csv, line 3", "'1' a second time")]
    [InlineData("s.csv", "train\nvalid\ntset\ntest\ntest\ntest\n", "s.csv, line 3", "'tset'", "train, valid, test")]
    [InlineData("s.csv", "train\ntrain\ntrain\ntest\ntest\n\"\"\n", "s.csv", "no valid")]
    [InlineData("s.csv", "5,train\n0,valid\n1,test\n", "s.csv, line 1", "without a class")]
    public void Mistakes_are_named_with_file_and_line(string file, string text, params string[] mentions)
    {
        var files = new OwnGraphFiles(Write("e.csv", "0,1\n1,2\n"))
        {
            Features = Write("f.csv", "1,2\n1,2\n1,2\n1,2\n1,2\n1,2\n"), Labels = Write("l.csv", "0\n1\n0\n1\n0\n-1\n"), Split = Write("s.csv", "train\nvalid\ntest\n\"\"\n\"\"\n\"\"\n"),
        };
        _ = OwnGraph.Load(files);
        Write(file, text);
        OneSentence.Of<InvalidDataException>(() => OwnGraph.Load(files), mentions);
    }

    [Fact]
    public void What_names_and_what_is_missing_are_told()
    {
        string edges = Write("e.csv", Words), labels = Write("l.csv", WordLabels);
        OneSentence.Of<InvalidDataException>(() => OwnGraph.Load(new OwnGraphFiles(edges) { Labels = labels, Features = Write("f.csv", "ann,1\nbob,2\n") }), "e.csv, line 4", "'cid'", "f.csv names");
        OneSentence.Of<InvalidDataException>(() => OwnGraph.Load(new OwnGraphFiles(edges) { Labels = labels, Features = Write("f.csv", "ann,1\nann,2\n") }), "f.csv, line 2", "'ann' a second time");
        OneSentence.Of<ArgumentException>(() => OwnGraph.Load(new OwnGraphFiles(edges)), "--labels");
        OneSentence.Of<ArgumentException>(() => OwnGraph.Load(new OwnGraphFiles(edges) { Labels = labels }, new SplitOptions(SplitKind.Public)), "no public");
        string column = Path.Combine(_folder.Path, "f.npy");
        NpyFile.Write(column, NpyArray.Of<float>([1, 2, 3], 3, 1));
        OneSentence.Of<InvalidDataException>(() => OwnGraph.LoadVertices(new OwnGraphFiles(edges) { Features = column }), "e.csv calls a vertex 'ann' in line 2", "f.npy", "number the vertices");
        Assert.Throws<FileNotFoundException>(() => OwnGraph.Load(new OwnGraphFiles(edges + "x") { Labels = labels }));
        string features = Path.Combine(_folder.Path, "f.npz");
        NpzFile.Write(features, [("a", NpyArray.Of<float>([1], 1)), ("b", NpyArray.Of<float>([1], 1))]);
        OneSentence.Of<InvalidDataException>(() => OwnGraph.LoadVertices(new OwnGraphFiles(Write("n.csv", "0,1\n")) { Features = features }), "f.npz", "a, b", "csr");
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder.Path, name);
        File.WriteAllText(path, text);
        return path;
    }
}
