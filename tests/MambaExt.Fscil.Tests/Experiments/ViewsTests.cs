using MambaExt.Data.Images;
using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Runs;
using MambaExt.Tests.Shared;

namespace MambaExt.Fscil.Tests.Experiments;

/// <summary>Views of the base images are made where a method is trained on them, and nowhere else: at published sizes they are most of the memory and of the time.</summary>
public sealed class ViewsTests : TensorTests
{
    private const int Views = 3;

    [Theory]
    [InlineData("cosine", "teen", 1)]
    [InlineData("cosine", "mambaext", 1)]
    [InlineData("cosine", "teen; fine-tune", Views)]
    [InlineData("cosine", "nc-fscil", Views)]
    [InlineData("nc", "nc-fscil; teen", 1)]
    public void Base_images_are_read_once_a_view_that_a_method_is_trained_on(string head, string methods, int views)
    {
        FscilRecipe recipe = Digits.Recipe();
        recipe = recipe with
        {
            views = Views,
            training = recipe.training with { head = head, epochs = 1 },
            prototypes = new PrototypeOptions(),
            projector_training = recipe.projector_training with { epochs = 1 },
            incremental = recipe.incremental with { iterations = 1 },
        };
        using TemporaryFolder trained = new(), folder = new();
        Run(Digits.Data, ["teen"], trained.Path);
        FscilData data = Digits.Data(0);
        var images = new CountingImages(data.Train);
        Run(_ => data with { Train = images }, methods.Split("; "), folder.Path, trained.Path);

        // Once more for the mean and deviation of their pixels; a shot has no other views.
        int[] known = data.Protocol.Sessions[0].Train, shots = [.. data.Protocol.Sessions.Skip(1).SelectMany(s => s.Train)];
        Assert.Equal([views + 1], known.Select(i => images.Reads[i]).Distinct());
        Assert.Equal([1], shots.Select(i => images.Reads[i]).Distinct());

        void Run(Func<int, FscilData> data, string[] methods, string path, string? from = null)
        {
            using var run = new RunFolder(path);
            new FscilExperiment(data, recipe, methods, [0], maxClasses: 10) { BaseFolder = from }.Run(new Experiment<FscilRunKey, FscilRun>(run, TimeSpan.FromHours(1)), path);
        }
    }

    private sealed class CountingImages(ImageSamples images) : ImageSamples(images.Channels, images.Size, images.Labels)
    {
        public int[] Reads { get; } = new int[images.Count];

        public override string Name(int index) => images.Name(index);

        public override ImageView Read(int index, ref byte[] scratch)
        {
            Interlocked.Increment(ref Reads[index]);
            return images.Read(index, ref scratch);
        }
    }
}
