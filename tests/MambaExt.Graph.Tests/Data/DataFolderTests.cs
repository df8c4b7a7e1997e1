using MambaExt.Data;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.Data;

public class DataFolderTests
{
    private static readonly string[] Files = ["a.bin", "b.bin"];

    [Fact]
    public void Files_are_found_at_any_depth_where_they_lie_side_by_side()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.bin");
        folder.Write("b.bin.txt");
        folder.Write("one", "two", "a.bin");
        folder.Write("one", "two", "b.bin");
        Assert.Equal(folder.File("one", "two"), DataFolder.Find(folder.Path, "toy", Files));
        Assert.Equal(folder.File("one", "two"), DataFolder.Find(folder.File("one", "two"), "toy", Files));
        Assert.Equal(folder.File("one", "two"), DataFolder.Find(folder.File("one") + "/", "toy", Files));
    }

    [Fact]
    public void Two_candidates_are_both_printed()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in new[] { "x", "y" })
        {
            folder.Write(name, "a.bin");
            folder.Write(name, "b.bin");
        }

        OneSentence.Of<InvalidDataException>(() => DataFolder.Find(folder.Path, "toy", Files), folder.File("x"), folder.File("y"));
    }

    [Fact]
    public void What_is_absent_is_named()
    {
        using var folder = new TemporaryFolder();
        OneSentence.Of<FileNotFoundException>(() => DataFolder.Find(folder.Path, "toy", Files), "a.bin, b.bin side by side", folder.Path);
        folder.Write("x", "b.bin");
        OneSentence.Of<FileNotFoundException>(() => DataFolder.Find(folder.Path, "toy", Files), $"'{folder.File("x")}' lacks a.bin");
        OneSentence.Of<DirectoryNotFoundException>(() => DataFolder.Find(folder.File("nowhere"), "toy", Files), "nowhere", "does not exist");
    }

    [Fact]
    public void Too_deep_a_folder_is_not_searched()
    {
        using var folder = new TemporaryFolder();
        folder.Write([.. Enumerable.Repeat("d", DataFolder.DeepestSearch + 1), "a.bin"]);
        Assert.Throws<FileNotFoundException>(() => DataFolder.Find(folder.Path, "toy", ["a.bin"]));
        Assert.EndsWith("d", DataFolder.Find(folder.File("d"), "toy", ["a.bin"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Links_are_not_followed_out_of_the_root()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "making links needs a privilege on Windows");
        using var folder = new TemporaryFolder();
        folder.Write("outside", "a.bin");
        Directory.CreateDirectory(folder.File("root", "data") + "/in");
        string root = folder.File("root");
        Directory.CreateSymbolicLink(folder.File("root", "linked"), folder.File("outside"));
        Directory.CreateSymbolicLink(folder.File("root", "loop"), root);
        File.CreateSymbolicLink(folder.File("root", "data", "a.bin"), folder.File("outside", "a.bin"));
        File.CreateSymbolicLink(folder.File("root", "data", "in", "a.bin"), folder.File("root", "data", "in", "a.bin"));
        Assert.Throws<FileNotFoundException>(() => DataFolder.Find(root, "toy", ["a.bin"]));

        // A link to a file that lies below the root counts, also where the root itself is reached by a link.
        folder.Write("root", "blobs", "0123");
        File.CreateSymbolicLink(folder.File("root", "inside", "a.bin"), "../blobs/0123");
        Assert.Equal(folder.File("root", "inside"), DataFolder.Find(root, "toy", ["a.bin"]));
        Directory.CreateSymbolicLink(folder.File("alias"), root);
        Assert.Equal(folder.File("alias", "inside"), DataFolder.Find(folder.File("alias"), "toy", ["a.bin"]));
    }
}
