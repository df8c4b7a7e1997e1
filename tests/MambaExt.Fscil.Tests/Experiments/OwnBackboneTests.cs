using MambaExt.Checkpoints;
using MambaExt.Data.Images;
using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Runs;
using MambaExt.Tests.Shared;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Experiments;

/// <summary>Where the recipe trains a projector together with the backbone, a method of another kind has a backbone of its own.</summary>
public sealed class OwnBackboneTests : TensorTests
{
    private static readonly string[] Methods = ["nc-fscil", "teen", "mamba-fscil"];

    [Theory]
    [InlineData("mamba", "base (nc); nc-fscil; base; teen; mamba-fscil", "nc; mamba; mamba")]
    [InlineData("nc", "base; nc-fscil; teen; base (mamba); mamba-fscil", "nc; nc; mamba")]
    public void Each_kind_of_projector_goes_on_from_the_backbone_that_was_trained_with_it(string head, string names, string heads)
    {
        using TemporaryFolder folder = new(), again = new(), refused = new();
        FscilRecipe recipe = Recipe(head);
        Assert.Equal(names.Split("; "), new FscilExperiment(Digits.Data, recipe, Methods, [0], maxClasses: 10).Keys.Select(k => k.Name));
        IReadOnlyList<FscilResult> results = Run(Methods, recipe, folder.Path);
        Assert.Equal(Methods, results.Select(r => r.method));
        Assert.Equal(heads.Split("; "), results.Select(r => r.head));

        // The base session is the joint training itself: its projector under its simplex, on its backbone.
        FscilData data = Digits.Data(0);
        foreach (var (result, own) in new[] { (results[0], "nc"), (results[2], "mamba") })
        {
            FscilRecipe trained = Recipe(own);
            using var network = new BaseNetwork(trained, data.Protocol.BaseClasses, 10);
            SafetensorsTensors.LoadInto(network, Path.Combine(folder.Path, FscilBackbones.PathOf(0, head: own == head ? null : own)));
            network.eval();
            int[] images = data.Protocol.Sessions[0].Test;
            ImagePipeline plain = Augmentations.Test(trained.training.augment, 8, data.Normalization);
            using ImageBatch batch = new ImageViews(data.Test, plain).Batch(images);
            using IDisposable _ = no_grad();
            long[] answers = network.forward(batch.Pixels).argmax(1).data<long>().ToArray();
            double right = 100.0 * images.Where((image, i) => answers[i] == data.TestClass(image)).Count() / images.Length;
            Assert.Equal(right, result.sessions[0].overall, 1e-9);
            Assert.True(right > 60, $"{own}: {right:f1}");
        }

        // All of them can be taken by another run, and the one that is missing is named.
        Assert.Equal(results.SelectMany(r => r.sessions), Run(Methods, recipe, again.Path, folder.Path).SelectMany(r => r.sessions));
        string other = $"{(head == "mamba" ? "nc" : "mamba")}-seed-0";
        Directory.Delete(Path.Combine(folder.Path, "base", other), recursive: true);
        Refusal.Of<FileNotFoundException>(() => Run(Methods, recipe, refused.Path, folder.Path), "There is no backbone", other);
    }

    [Fact]
    public void Under_a_cosine_head_and_without_a_projector_all_share_one()
    {
        FscilRecipe joint = Recipe("mamba"), weighed = joint with { prototypes = joint.prototypes with { projector_weight = 0.2 } };
        Assert.All(FscilMethods.Names.Concat(FscilMethods.Ablations.Keys), name => Assert.Equal("cosine", FscilMethods.HeadOf(name, Recipe("cosine"))));
        Assert.Equal(["nc-fscil"], FscilMethods.Names.Where(name => FscilMethods.HeadOf(name, joint) != "mamba"));
        Assert.Equal(["mamba-fscil", "mamba-fscil-teen"], FscilMethods.Names.Where(name => FscilMethods.HeadOf(name, Recipe("nc")) != "nc"));
        Assert.Equal("mamba", FscilMethods.HeadOf(FscilMethods.Best, weighed with { training = Recipe("nc").training }));
        Assert.Equal("mamba", FscilMethods.HeadOf("no-freezing", Recipe("nc")));
    }

    [Fact]
    public void Settings_are_tried_on_a_backbone_of_the_same_kind()
    {
        FscilRunKey[] keys = [.. new FscilExperiment(Digits.Data, Recipe("mamba"), ["nc-fscil", "mamba-fscil"], [0], trials: 2).Keys];
        Assert.Equal(
            ["base (nc), classes held back", "nc-fscil, trial 1", "nc-fscil, trial 2", "base, classes held back", "mamba-fscil, trial 1", "mamba-fscil, trial 2", "base (nc)", "nc-fscil", "base", "mamba-fscil"],
            keys.Select(k => k.Name));
    }

    private static FscilRecipe Recipe(string head)
    {
        FscilRecipe recipe = Digits.Recipe();
        return recipe with { training = recipe.training with { head = head, epochs = 6, batch_size = 32, augment = "none" }, prototypes = new PrototypeOptions(), incremental = recipe.incremental with { iterations = 3 } };
    }

    private static IReadOnlyList<FscilResult> Run(string[] methods, FscilRecipe recipe, string path, string? from = null)
    {
        using var folder = new RunFolder(path);
        return new FscilExperiment(Digits.Data, recipe, methods, [0], maxClasses: 10) { BaseFolder = from }.Run(new Experiment<FscilRunKey, FscilRun>(folder, TimeSpan.FromHours(1)), path);
    }
}
