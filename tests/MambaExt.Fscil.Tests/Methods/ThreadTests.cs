using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Methods;

/// <summary>
/// What the number of threads does over whole sessions, 40 epochs and 2 x 40 steps. Our kernels give the same bits; libtorch's sums come in another order, which is
/// rounding. Rounding stays rounding but for the separation loss: |cos| has a kink at a right angle, which training drives it to, and there its gradient turns over
/// with a last bit. Runs then end apart, neither better than the other.
/// </summary>
public sealed class ThreadTests : TensorTests
{
    [Fact]
    public void With_one_thread_of_libtorch_the_kernels_number_changes_no_bit()
    {
        // As --deterministic sets it.
        Learned one = Learn(Clusters.Recipe(), torchThreads: 1, kernelThreads: 1), two = Learn(Clusters.Recipe(), torchThreads: 1, kernelThreads: 2);
        Assert.True(one.Scores.Max() - one.Scores.Min() > 0.5, "the scores tell classes apart");
        Assert.Equal(one.Scores, two.Scores);
        Assert.Equal(one.Weights, two.Weights);
    }

    [Fact]
    public void Threads_change_scores_by_rounding_alone_where_nothing_has_a_kink()
    {
        FscilRecipe recipe = Clusters.Recipe();
        recipe = recipe with { incremental = recipe.incremental with { scan_losses = recipe.incremental.scan_losses with { separate = 0 } } };
        Learned one = Learn(recipe, 1, 1), two = Learn(recipe, 2, 2);
        Assert.All(one.Scores.Zip(two.Scores), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void Before_training_comes_to_the_kink_scores_change_by_rounding_alone_with_it_too()
    {
        FscilRecipe recipe = Clusters.Recipe();
        recipe = recipe with { incremental = recipe.incremental with { iterations = 15 } };
        Assert.Equal(0.5, recipe.incremental.scan_losses.separate);
        Learned one = Learn(recipe, 1, 1), two = Learn(recipe, 2, 2);
        Assert.All(one.Scores.Zip(two.Scores), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void With_the_kink_accuracy_stays_within_three_of_fifty_images()
    {
        Learned one = Learn(Clusters.Recipe(), 1, 1), two = Learn(Clusters.Recipe(), 2, 2);
        Assert.InRange(Math.Abs(one.Right - two.Right), 0, 3);
        Assert.True(Math.Min(one.Right, two.Right) >= 30, $"{one.Right} and {two.Right} of 50 are right");
    }

    private static Learned Learn(FscilRecipe recipe, int torchThreads, int kernelThreads)
    {
        (int torchBefore, int kernelBefore) = (get_num_threads(), Compute.Threads);
        using FscilFeatures features = Clusters.Features(sessions: 2);
        try
        {
            set_num_threads(torchThreads);
            Compute.Threads = kernelThreads;
            manual_seed(0);
            using FscilMethod method = FscilMethods.Create("mamba-fscil", recipe, features.Size, 10);
            method.LearnBase(features, new MethodContext(0));
            method.Learn(features.Shots[0], 2, new MethodContext(0));
            method.Learn(features.Shots[1], 2, new MethodContext(0));
            using Tensor scores = method.Score(features.TestUntil(2));
            int right = method.Predict(features.TestUntil(2)).Zip(features.TestClassesUntil(2)).Count(p => p.First == p.Second);
            return new Learned(scores.data<float>().ToArray(), [.. MethodState.Of(method).SelectMany(p => p.Value.detach().data<float>().ToArray())], right);
        }
        finally
        {
            set_num_threads(torchBefore);
            Compute.Threads = kernelBefore;
        }
    }

    private sealed record Learned(float[] Scores, float[] Weights, int Right);
}
