using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Fscil.Protocol;
using MambaExt.Tests.Shared;

namespace MambaExt.Fscil.Tests.Protocol;

public sealed class ProtocolTests
{
    // 4 classes with 4 images each, in turn.
    private static readonly MemoryImages Images = new(new byte[16 * 4], 1, new ImageSize(2, 2), [.. Enumerable.Range(0, 16).Select(i => i % 4)], [.. Enumerable.Range(0, 16).Select(i => $"{"abcd"[i % 4]}/{i}.png")]);
    private static readonly string[] Names = ["a", "b", "c", "d"];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Lists_that_were_written_read_back_as_the_same_protocol(bool byName)
    {
        // The last image of each class is to test on.
        int[] train = [.. Images.Labels.Select((label, i) => i < 12 ? label : -1)], test = [.. Images.Labels.Select((label, i) => i < 12 ? -1 : label)];
        FscilProtocol drawn = DrawnProtocol.Draw(train, test, 4, new ProtocolOptions(2, 1, 3, seed: 7));
        using var folder = new TemporaryFolder();
        var images = new ListedImages(Images, Names, byName);
        ProtocolLists.Write(Path.Combine(folder.Path, "lists"), drawn, images, images);
        FscilProtocol read = ProtocolLists.Read(Path.Combine(folder.Path, "lists"), images, images, 4);
        Assert.Equal(drawn.ClassOrder, read.ClassOrder);
        Assert.Equal(drawn.Sessions.Select(s => (s.Number, s.FirstClass, s.ClassCount)), read.Sessions.Select(s => (s.Number, s.FirstClass, s.ClassCount)));
        Assert.Equal(drawn.Sessions.SelectMany(s => s.Train), read.Sessions.SelectMany(s => s.Train));
        Assert.Equal(drawn.Sessions.SelectMany(s => s.Test), read.Sessions.SelectMany(s => s.Test));
        Assert.Equal(drawn.ClassOrder.Select(label => Names[label]), File.ReadAllLines(Path.Combine(folder.Path, "lists", "classes.txt")));
        Refusal.Of<ArgumentException>(() => ProtocolLists.Write(Path.Combine(folder.Path, "lists"), drawn, images, images), "holds lists already");
    }

    [Fact]
    public void A_drawn_protocol_belongs_to_its_seed_and_has_its_shots()
    {
        FscilProtocol one = Draw(1), same = Draw(1), other = Draw(2);
        Assert.Equal(one.ClassOrder, same.ClassOrder);
        Assert.Equal(one.Sessions[1].Train, same.Sessions[1].Train);
        Assert.NotEqual(one.ClassOrder.Concat(one.Sessions[1].Train), other.ClassOrder.Concat(other.Sessions[1].Train));
        Assert.Equal([0, 0, 1, 2], Enumerable.Range(0, 4).Select(one.SessionOf));
        foreach (FscilSession session in one.Sessions)
        {
            Assert.Equal(session.Number == 0 ? 8 : 3, session.Train.Length);
            Assert.All(session.Train, i => Assert.InRange(one.ClassOf(Images.Labels[i]), session.FirstClass, session.FirstClass + session.ClassCount - 1));
            Assert.Equal(session.Train.Length, session.Train.Distinct().Count());
        }

        Assert.Equal("2 + 2 x 1 classes, 3 shots (seed 1)", one.Summary);

        static FscilProtocol Draw(int seed) => DrawnProtocol.Draw(Images.Labels, Images.Labels, 4, new ProtocolOptions(2, 1, 3, seed));
    }

    [Theory]
    [InlineData(3, 2, 3, "data has 4 classes")]
    [InlineData(2, 1, 5, "has 4 training and 4 test images, and 5")]
    [InlineData(1, 1, 1, "at least 2 base classes")]
    public void What_the_data_cannot_give_is_refused(int baseClasses, int ways, int shots, string words) =>
        Refusal.Of<ArgumentException>(() => DrawnProtocol.Draw(Images.Labels, Images.Labels, 4, new ProtocolOptions(baseClasses, ways, shots, sessions: 1)), words);

    [Fact]
    public void A_class_with_too_few_shots_is_named() =>
        Refusal.Of<ArgumentException>(() => DrawnProtocol.Draw(Images.Labels, Images.Labels, 4, new ProtocolOptions(2, 1, 5, sessions: 1), ["ape", "ape", "ape", "ape"]), "The class ape has 4 training");

    [Theory]
    [InlineData("session_2", "2\n99\n", "session_2.txt, line 2: '99', which is not among the data; allowed is a number from 0 to 15")]
    [InlineData("session_2", "2\n6\n2\n", "session_2.txt, line 3: '2', which line 1 names too")]
    [InlineData("session_2", "2\n4\n", "session_2.txt, line 2: an image of class a, which session_1.txt has already")]
    [InlineData("test_2", "2\n3\n", "test_2.txt, line 2: an image of class d, which session_2.txt has not")]
    [InlineData("test_2", "10\n6\n", "test_2.txt, line 2: '6', which session_2.txt trains on")]
    [InlineData("test_1", "8\n5\n", "test_1.txt, line 2: '5', which session_1.txt trains on")]
    [InlineData("session_2", "2\n6\n3\n", "session_2.txt: 1 image(s) of class d and 2 of class c")]
    [InlineData("session_4", "3\n", "has session_4.txt and no session_3.txt")]
    [InlineData("test_3", "3\n", "has test_3.txt and no session_3.txt")]
    [InlineData("session_2", "2\n\n6\n", "session_2.txt, line 2: an empty line")]
    [InlineData("session_1", "", "session_1.txt, offset 0: found an empty list")]
    [InlineData("session_2", "-1\n", "'-1', which is not among the data")]
    public void A_list_that_does_not_fit_is_named_with_its_line(string file, string content, string words)
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, lines) in new[] { ("session_1", "0\n1\n4\n5\n"), ("session_2", "2\n6\n"), ("test_1", "8\n9\n"), ("test_2", "10\n") })
        {
            File.WriteAllText(folder.File(name + ".txt"), lines);
        }

        File.WriteAllText(folder.File(file + ".txt"), content);

        var images = new ListedImages(Images, Names, byName: false);
        string message = Assert.Throws<InvalidDataException>(() => ProtocolLists.Read(folder.Path, images, images, 4)).Message;
        Assert.Contains(words, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_are_found_by_their_names_or_by_their_numbers()
    {
        ListedImages named = new(Images, Names, byName: true), numbered = new(Images, Names, byName: false);
        Assert.Equal((5, null), (named.Find("b/5.png"), named.Find("5")));
        Assert.Equal((5, null, null), (numbered.Find("5"), numbered.Find("16"), numbered.Find("b/5.png")));
        Assert.Equal(("b/5.png", "5"), (named.NameOf(5), numbered.NameOf(5)));
    }

    [Fact]
    public void Missing_lists_are_named()
    {
        using var folder = new TemporaryFolder();
        var images = new ListedImages(Images, Names, byName: false);
        Assert.Contains("session_1.txt is missing", Assert.Throws<FileNotFoundException>(() => ProtocolLists.Read(folder.Path, images, images, 4)).Message, StringComparison.Ordinal);
        File.WriteAllText(folder.File("session_1.txt"), "0\n");
        Assert.Contains("no test_1.txt", Assert.Throws<FileNotFoundException>(() => ProtocolLists.Read(folder.Path, images, images, 4)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cifar100", 30_000, 9, 25, 0, 0)]
    [InlineData("cub200", 3_000, 11, 50, 2_864, 5_794)]
    [InlineData("mini_imagenet", 30_000, 9, 25, 6_000, 10_000)]
    public void The_published_lists_have_their_hashes_and_counts(string name, int first, int sessions, int shots, int baseTests, int tests)
    {
        string folder = SharedData.Require("data", "fscil", "index_list", name);
        IReadOnlyList<DataSetFile> files = ProtocolLists.Hash(folder, name);
        Assert.Equal(2 * sessions, files.Count);
        Assert.All(files, f => Assert.True(f.Official, f.Name));
        string[][] train = [.. Enumerable.Range(1, sessions).Select(t => Lines($"session_{t}.txt"))], test = [.. Enumerable.Range(1, sessions).Select(t => Lines($"test_{t}.txt"))];
        Assert.Equal([first, .. Enumerable.Repeat(shots, sessions - 1)], train.Select(lines => lines.Length));
        if (name == "cifar100")
        {
            return; // numbers of images, whose classes only the data knows
        }

        Assert.Equal((baseTests, tests), (test[0].Length, test.Sum(lines => lines.Length)));
        Assert.All(test.Skip(1), lines => Assert.InRange(lines.Length, name == "cub200" ? 279 : 500, name == "cub200" ? 300 : 500));

        // A path names its class; 5 shots of each, and each class in one session and its tests.
        HashSet<string>[] classes = [.. train.Select(lines => lines.Select(Class).ToHashSet())];
        Assert.Equal(classes.Sum(c => c.Count), classes.SelectMany(c => c).Distinct().Count());
        Assert.All(train.Skip(1).SelectMany(lines => lines.GroupBy(Class)), of => Assert.Equal(5, of.Count()));
        Assert.All(test.Index(), t => Assert.Equal(classes[t.Index].Order(), t.Item.Select(Class).Distinct().Order()));
        Assert.Empty(train.SelectMany(lines => lines).Intersect(test.SelectMany(lines => lines)));

        // Read over images of these paths, it is the same protocol: of CUB-200 one set that training and test images lie in, of miniImageNet two.
        string[] names = [.. train.Concat(test).SelectMany(lines => lines).Select(Class).Distinct()], trained = [.. train.SelectMany(lines => lines)], tested = [.. test.SelectMany(lines => lines)];
        ListedImages own = name == "cub200" ? Of([.. trained, .. tested]) : Of(trained);
        FscilProtocol read = ProtocolLists.Read(folder, own, name == "cub200" ? own : Of(tested), names.Length);
        Assert.Equal(name == "cub200" ? "100 + 10 x 10 classes, 5 shots (lists)" : "60 + 8 x 5 classes, 5 shots (lists)", read.Summary);
        Assert.Equal(train.Select(lines => lines.Length), read.Sessions.Select(s => s.Train.Length));
        Assert.Equal(test.Select(lines => lines.Length), read.Sessions.Select(s => s.Test.Length));
        Assert.Equal(train.SelectMany(lines => lines.Select(Class).Distinct()), read.ClassOrder.Select(label => names[label]));
        Assert.Equal(train[^1], read.Sessions[^1].Train.Select(own.NameOf));

        ListedImages Of(string[] paths) => new(new MemoryImages(new byte[paths.Length], 1, new ImageSize(1, 1), [.. paths.Select(path => Array.IndexOf(names, Class(path)))], paths), names, byName: true);

        string[] Lines(string file) => File.ReadAllLines(Path.Combine(folder, file));

        static string Class(string line) => line.Split('/')[^2];
    }

    [Fact]
    public void A_list_with_another_hash_is_told_apart()
    {
        string source = SharedData.Require("data", "fscil", "index_list", "cifar100");
        using var folder = new TemporaryFolder();
        folder.CopyFrom(source, "*.txt");
        File.AppendAllText(folder.File("session_3.txt"), "29999\n");
        Assert.Equal("session_3.txt", Assert.Single(ProtocolLists.Hash(folder.Path, "cifar100"), f => f.Official == false).Name);
    }

    [Theory]
    [InlineData("mini-imagenet", 9)]
    [InlineData("cifar100", 9)]
    [InlineData("cub200", 11)]
    public void Only_all_of_the_published_lists_are_official(string name, int sessions)
    {
        DataSetFile[] images = [new("images", 1, "ab", true)];
        DataSetFile[] all = [.. ProtocolLists.Known(name).Select(f => new DataSetFile(f.Name, f.Bytes!.Value, f.Sha256!, true))];
        Assert.Equal(Enumerable.Range(1, sessions).SelectMany(t => new[] { $"session_{t}.txt", $"test_{t}.txt" }).Order(), all.Select(f => f.Name).Order());
        Said(DataVariant.Official, null, images, all);
        Said(DataVariant.Unverified, null, [images[0] with { Official = null }], all);

        // The first sessions of the published protocol, each with its published hash, are not the published protocol.
        foreach (int fewer in new[] { 2, sessions - 1 })
        {
            string[] kept = [.. Enumerable.Range(1, fewer).SelectMany(t => new[] { $"session_{t}.txt", $"test_{t}.txt" })];
            Said(DataVariant.Unofficial, $"they have {fewer} sessions and the published ones {sessions}", images, [.. all.Where(f => kept.Contains(f.Name))]);
        }

        Said(DataVariant.Unofficial, $"they have {sessions + 1} sessions", images, [.. all, new("session_x.txt", 1, "ab", null), new("test_x.txt", 1, "ab", null)]);
        Said(DataVariant.Unofficial, "(test_2.txt differs)", images, [.. all.Select(f => f.Name == "test_2.txt" ? f with { Official = false } : f)]);

        // Of other data no lists are known.
        Assert.Equal(DataVariant.Unverified, FscilDataSets.Compared("omniglot", "x", images, [new("session_1.txt", 1, "ab", null), new("test_1.txt", 1, "ab", null)]).Variant);

        void Said(DataVariant variant, string? words, DataSetFile[] images, DataSetFile[] lists)
        {
            (DataVariant found, string[] notes) = FscilDataSets.Compared(name, "DIR", images, lists);
            Assert.Equal(variant, found);
            Assert.Equal(words is null ? 0 : 1, notes.Length);
            Assert.All(notes, note => Assert.Contains(words!, note, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void The_lists_of_the_cifar_subset_read_as_the_protocol_they_are()
    {
        string root = SharedData.Require("data", "fscil", "cifar100");
        FscilData data = FscilDataSets.Load(new FscilDataOptions("cifar100", root))(0);
        Assert.Equal("60 + 8 x 5 classes, 5 shots (lists)", data.Protocol.Summary);
        Assert.Equal([10_500, .. Enumerable.Repeat(25, 8)], data.Protocol.Sessions.Select(s => s.Train.Length));
        Assert.Equal([2_400, .. Enumerable.Repeat(200, 8)], data.Protocol.Sessions.Select(s => s.Test.Length));
        Assert.Equal(Enumerable.Range(0, 60).Order(), data.Protocol.ClassOrder.Take(60).Order());
        Assert.Equal(Enumerable.Range(60, 5).Order(), data.Protocol.ClassOrder.Skip(60).Take(5).Order());
        Assert.Equal(DataVariant.Unofficial, data.Variant);
        Assert.Contains("are not the published ones", Assert.Single(data.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_class_twice_and_sessions_that_do_not_follow_are_refused()
    {
        Assert.Contains("comes twice", Assert.Throws<InvalidDataException>(() => new FscilProtocol("x", [0, 0], 1, [new FscilSession(0, 0, 2, [0], [0])])).Message, StringComparison.Ordinal);
        Assert.Contains("Session 1 has", Assert.Throws<InvalidDataException>(() => new FscilProtocol("x", [0, 1], 2, [new FscilSession(0, 0, 1, [0], [0]), new FscilSession(1, 0, 1, [0], [0])])).Message, StringComparison.Ordinal);
    }
}
