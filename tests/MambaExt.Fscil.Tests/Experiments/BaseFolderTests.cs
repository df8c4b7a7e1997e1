using MambaExt.Data;
using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Protocol;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Runs;
using MambaExt.Tests.Shared;

namespace MambaExt.Fscil.Tests.Experiments;

/// <summary>Backbones of another run.</summary>
public sealed class BaseFolderTests : TensorTests
{
    [Fact]
    public void A_backbone_of_another_run_is_taken_only_where_data_classes_seed_and_choice_are_the_same()
    {
        using TemporaryFolder folder = new(), again = new();
        FscilRecipe recipe = Digits.Recipe() with { training = Digits.Recipe().training with { epochs = 1 } };
        Run(Digits.Data, recipe, [0], null, folder.Path);
        FscilRun taken = Run(Digits.Data, recipe with { prototypes = new PrototypeOptions { teen_alpha = 0.3 } }, [0], folder.Path, again.Path);
        Assert.Equal(0, taken.epochs);
        string network = FscilBackbones.PathOf(0);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder.Path, network)), File.ReadAllBytes(Path.Combine(again.Path, network)));

        // What was taken can be taken again.
        using TemporaryFolder third = new();
        Run(Digits.Data, recipe, [0], again.Path, third.Path);

        // And by one that looks at other stages of it.
        using TemporaryFolder fourth = new();
        Assert.Equal(0, Run(Digits.Data, recipe with { backbone = recipe.backbone with { levels = [1, 2], level_grids = [1, 2] } }, [0], folder.Path, fourth.Path).epochs);

        Refused(_ => Digits.Data(1), recipe, "other classes (");
        Refused(seed => Digits.Data(seed) with { Files = [new DataSetFile("x", 1, "ab", null)] }, recipe, "other files (");
        Refused(seed => Digits.Data(seed) with { Protocol = Fewer(Digits.Data(seed).Protocol) }, recipe, "other images (");
        Refused(Digits.Data, recipe with { training = recipe.training with { choose = "test" } }, "other training.choose (", "validation", "test");
        Refused(Digits.Data, recipe with { backbone = recipe.backbone with { width = 8 } }, "other backbone.width (", "4", "8");
        string about = Path.Combine(folder.Path, "base", "seed-0", "about.json"), kept = File.ReadAllText(about);
        File.WriteAllText(about, kept.Replace("\"seed\":0", "\"seed\":7", StringComparison.Ordinal));
        Refused(Digits.Data, recipe, "other seed (", "7", "0");
        File.Delete(about);
        using var none = new TemporaryFolder();
        Refusal.Of<InvalidDataException>(() => Run(Digits.Data, recipe, [0], folder.Path, none.Path), "about.json is missing");

        void Refused(Func<int, FscilData> data, FscilRecipe other, params string[] words)
        {
            using var run = new TemporaryFolder();
            Refusal.Of<ArgumentException>(() => Run(data, other, [0], folder.Path, run.Path), words);
        }

        static FscilProtocol Fewer(FscilProtocol p) => new(p.Source, p.ClassOrder, 10, [p.Sessions[0] with { Train = p.Sessions[0].Train[1..] }, .. p.Sessions.Skip(1)]);

        static FscilRun Run(Func<int, FscilData> data, FscilRecipe recipe, int[] seeds, string? from, string path)
        {
            using var folder = new RunFolder(path);
            var experiment = new Experiment<FscilRunKey, FscilRun>(folder, TimeSpan.FromHours(1));
            new FscilExperiment(data, recipe, ["teen"], seeds, maxClasses: 10) { BaseFolder = from }.Run(experiment, path);
            return experiment.Finished[0];
        }
    }

    [Fact]
    public void Backbones_that_settings_were_tried_on_are_taken_where_there_are_any_and_trained_where_not()
    {
        using TemporaryFolder plain = new(), tried = new(), taken = new();
        FscilRecipe recipe = Digits.Recipe() with { training = Digits.Recipe().training with { epochs = 1 } };
        Run(1, null, plain.Path);
        Assert.Equal(1, Run(2, plain.Path, tried.Path).Single(r => r.epochs > 0).epochs);
        Assert.DoesNotContain(Run(2, tried.Path, taken.Path), r => r.epochs > 0);
        string network = FscilBackbones.PathOf(0, heldBack: true);
        Assert.Equal(File.ReadAllBytes(Path.Combine(tried.Path, network)), File.ReadAllBytes(Path.Combine(taken.Path, network)));

        // One of other images is refused, as the others are.
        string about = Path.Combine(tried.Path, Path.GetDirectoryName(network)!, "about.json"), kept = File.ReadAllText(about);
        File.WriteAllText(about, kept.Replace("\"images\":\"", "\"images\":\"x", StringComparison.Ordinal));
        using var none = new TemporaryFolder();
        Refusal.Of<ArgumentException>(() => Run(2, tried.Path, none.Path), "other images (");

        IReadOnlyList<FscilRun> Run(int trials, string? from, string path)
        {
            using var folder = new RunFolder(path);
            var experiment = new Experiment<FscilRunKey, FscilRun>(folder, TimeSpan.FromHours(1));
            new FscilExperiment(Digits.Data, recipe, ["teen"], [0], maxClasses: 10, trials) { BaseFolder = from }.Run(experiment, path);
            return experiment.Finished;
        }
    }

    [Fact]
    public void A_folder_without_the_backbones_is_refused()
    {
        using TemporaryFolder folder = new(), empty = new();
        using var run = new RunFolder(folder.Path);
        var experiment = new FscilExperiment(Digits.Data, Digits.Recipe(), ["ncm-cosine"], [0]) { BaseFolder = empty.Path };
        Assert.Contains("There is no backbone", Assert.Throws<FileNotFoundException>(() => experiment.Run(new Experiment<FscilRunKey, FscilRun>(run, TimeSpan.Zero), folder.Path)).Message, StringComparison.Ordinal);
    }
}
