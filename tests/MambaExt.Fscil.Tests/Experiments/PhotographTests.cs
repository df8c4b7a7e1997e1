using MambaExt.Data.Images;
using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Recipes;
using MambaExt.Runs;
using MambaExt.Tests.Shared;
using SkiaSharp;

namespace MambaExt.Fscil.Tests.Experiments;

/// <summary>Folders of photographs, with lists and without.</summary>
public sealed class PhotographTests : TensorTests
{
    [Fact]
    public void A_folder_shaped_like_miniimagenet_runs_by_the_paths_of_the_published_lists()
    {
        // The published lists where they are, else lists of the same shape.
        string? lists = SharedData.Find("data", "fscil", "index_list", "mini_imagenet");
        using TemporaryFolder data = new(), run = new();
        var colours = new Dictionary<string, int>();

        // 6 of the 60 base classes, 8 images of each; two whole sessions; 2 test images a class.
        string[] first = Lines("session_1.txt");
        string[] classes = [.. first.Select(Class).Distinct().Take(6)];
        Write("session_1.txt", classes.SelectMany(c => first.Where(line => Class(line) == c).Take(8)));
        Write("test_1.txt", Tests("test_1.txt").Where(line => classes.Contains(Class(line))));
        for (int t = 2; t <= 3; t++)
        {
            Write($"session_{t}.txt", Lines($"session_{t}.txt"));
            Write($"test_{t}.txt", Tests($"test_{t}.txt"));
        }

        Func<int, FscilData> load = FscilDataSets.Load(new FscilDataOptions("mini-imagenet", data.Path, PhotoSize: 0));
        FscilData read = load(0);
        Assert.Equal("6 + 2 x 5 classes, 5 shots (lists)", read.Protocol.Summary);
        Assert.Null(read.Train.Size);
        FscilRecipe paper = FscilRecipes.Paper("mini-imagenet"), recipe = paper with
        {
            backbone = paper.backbone with { name = "small", width = 4, image_size = 24 },
            training = paper.training with { epochs = 30, batch_size = 16, warmup_steps = 6, milestones = [20], validation = 0.2 },
            projector = paper.projector with { width = 16, hidden = 16, d_state = 4, dt_rank = 2 },
            incremental = paper.incremental with { iterations = 30, iterations_step = 1, base_copies = [1] },
        };
        using var folder = new RunFolder(run.Path);
        FscilResult result = new FscilExperiment(load, recipe, ["mamba-fscil"], [0]).Run(new Experiment<FscilRunKey, FscilRun>(folder, TimeSpan.FromHours(1)), run.Path)[0];
        Assert.Equal([6, 11, 16], result.sessions.Select(s => s.classes));

        // A projector that is trained with the backbone, and taken over: classes of plain colours are told apart, at least twice as well as by chance.
        Assert.All(result.sessions, s => Assert.True(s.overall > 200.0 / s.classes, $"session {s.session}: {s.overall:f1}"));
        Assert.True(result.sessions[0].overall > 60, $"base session {result.sessions[0].overall:f1}");

        // A list that names an image which is not there is refused before anything is trained.
        File.AppendAllText(Path.Combine(data.Path, "index_list", "session_2.txt"), $"MINI-ImageNet/train/{classes[0]}/{classes[0]}00000000.jpg\n");
        string message = Assert.Throws<InvalidDataException>(() => FscilDataSets.Load(new FscilDataOptions("mini-imagenet", data.Path, PhotoSize: 0))).Message;
        Assert.Contains("session_2.txt, line 26", message, StringComparison.Ordinal);
        Assert.Contains("not among the data", message, StringComparison.Ordinal);

        IEnumerable<string> Tests(string name) => Lines(name).GroupBy(Class).SelectMany(g => g.Take(2));

        void Write(string name, IEnumerable<string> lines)
        {
            string[] all = [.. lines];
            File.WriteAllLines(data.File("index_list", name), all);
            foreach (string line in all)
            {
                Picture(data.File(line.Split('/')), Colour(Class(line)), SKEncodedImageFormat.Jpeg);
            }
        }

        // Three levels of each colour: 27 classes that a photograph keeps apart.
        int Colour(string of)
        {
            int k = colours.TryGetValue(of, out int known) ? known : colours[of] = colours.Count;
            return (120 * (k % 3)) + ((120 * (k / 3 % 3)) << 8) + ((120 * (k / 9)) << 16);
        }

        string[] Lines(string name) => lists is null ? Made(name) : File.ReadAllLines(Path.Combine(lists, name));

        static string[] Made(string name)
        {
            int session = int.Parse(name.Split('_', '.')[1], System.Globalization.CultureInfo.InvariantCulture);
            bool test = name.StartsWith("test", StringComparison.Ordinal);
            (int from, int count) = session == 1 ? (0, 60) : (60 + (5 * (session - 2)), 5);
            return [.. Enumerable.Range(from, count).SelectMany(k => Enumerable.Range(1, test ? 2 : session == 1 ? 8 : 5).Select(i => $"MINI-ImageNet/{(test ? "test" : "train")}/n{k:d8}/n{k:d8}{(test ? 9000 : 0) + i:d8}.jpg"))];
        }

        static string Class(string line) => line.Split('/')[2];
    }

    [Fact]
    public void A_folder_of_ones_own_is_split_written_as_lists_and_read_again()
    {
        using TemporaryFolder data = new(), lists = new();
        for (int k = 0; k < 5; k++)
        {
            for (int i = 0; i < 10; i++)
            {
                Picture(data.File("images", $"class{k}", $"{i}.png"), k, SKEncodedImageFormat.Png);
            }
        }

        string folder = Path.Combine(data.Path, "images");
        FscilData drawn = FscilDataSets.Load(new FscilDataOptions("folder", folder, Drawn: new(3, 1, 5), PhotoSize: 16))(0);
        Assert.Equal("3 + 2 x 1 classes, 5 shots (seed 0)", drawn.Protocol.Summary);
        Assert.Equal(new ImageSize(16, 16), drawn.Train.Size);
        Assert.Equal([24, 5, 5], drawn.Protocol.Sessions.Select(s => s.Train.Length));
        Assert.Equal([6, 2, 2], drawn.Protocol.Sessions.Select(s => s.Test.Length));
        Assert.Empty(drawn.Protocol.Sessions.SelectMany(s => s.Train).Intersect(drawn.Protocol.Sessions.SelectMany(s => s.Test)));
        string written = Path.Combine(lists.Path, "lists");
        var named = new Fscil.Protocol.ListedImages(drawn.Train, drawn.Labels, byName: true);
        Fscil.Protocol.ProtocolLists.Write(written, drawn.Protocol, named, named);
        FscilData read = FscilDataSets.Load(new FscilDataOptions("folder", folder, written, PhotoSize: 16))(0);
        Assert.Equal(drawn.Protocol.Sessions.SelectMany(s => s.Train), read.Protocol.Sessions.SelectMany(s => s.Train));
        Assert.Equal(drawn.Protocol.Sessions.SelectMany(s => s.Test), read.Protocol.Sessions.SelectMany(s => s.Test));
        Assert.Contains("--base-classes", Assert.Throws<ArgumentException>(() => FscilDataSets.Load(new FscilDataOptions("folder", folder))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Omniglot_reads_by_its_lists()
    {
        string root = SharedData.Require("data", "fscil", "omniglot");
        FscilData data = FscilDataSets.Load(new FscilDataOptions("omniglot", root))(0);
        Assert.Equal("604 + 8 x 45 classes, 5 shots (lists)", data.Protocol.Summary);
        Assert.Equal([9_060, .. Enumerable.Repeat(225, 8)], data.Protocol.Sessions.Select(s => s.Train.Length));
        Assert.Equal([3_020, .. Enumerable.Repeat(225, 8)], data.Protocol.Sessions.Select(s => s.Test.Length));
        Assert.Empty(data.Protocol.Sessions.SelectMany(s => s.Train).Intersect(data.Protocol.Sessions.SelectMany(s => s.Test)));
        string[] order = File.ReadAllLines(Path.Combine(root, "index_list", "class_order.txt"));
        Assert.Equal(order.Take(604).Order(StringComparer.Ordinal), data.ClassNames.Take(604).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Files_for_a_trained_model_are_read_by_their_paths_and_empty_folders_are_refused()
    {
        using var folder = new TemporaryFolder();
        Picture(folder.File("a.png"), 3, SKEncodedImageFormat.Png);
        byte[] scratch = [];
        Assert.Equal(3, FscilImages.Files([folder.File("a.png")], 3).Read(0, ref scratch).Channels);
        Assert.Throws<FileNotFoundException>(() => FscilImages.Files([folder.File("b.png")], 3));
        Assert.Contains("has no subfolders", Assert.Throws<InvalidDataException>(() => FscilImages.NewClasses(folder.Path, 3, out _)).Message, StringComparison.Ordinal);
        Picture(folder.File("new", "a.png"), 3, SKEncodedImageFormat.Png);
        Assert.Equal(1, FscilImages.NewClasses(folder.Path, 3, out string[] names).Count);
        Assert.Equal(["new"], names);
        Directory.CreateDirectory(Path.Combine(folder.Path, "void"));
        Assert.Contains("'void'", Assert.Throws<InvalidDataException>(() => FscilImages.NewClasses(folder.Path, 3, out _)).Message, StringComparison.Ordinal);
    }

    private static void Picture(string path, int colour, SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(20, 16);
        bitmap.Erase(new SKColor((byte)colour, (byte)(colour >> 8), (byte)(colour >> 16)));
        using SKData data = bitmap.Encode(format, 90);
        File.WriteAllBytes(path, data.ToArray());
    }
}
