using MambaExt.Distill.Accounting;
using MambaExt.Distill.Students;

namespace MambaExt.Distill.Tests.Students;

public sealed class StudentLadderTests
{
    [Fact]
    public void Students_are_found_just_below_their_share()
    {
        var teacher = new PatchMambaOptions();
        double[] shares = [0.01, 0.05, 0.2, 0.6];
        IReadOnlyList<PatchMambaOptions> ladder = StudentLadder.ForTarget(teacher, shares);
        long whole = FlopCount.Total(teacher).flops;
        foreach (var (share, student) in shares.Zip(ladder))
        {
            Assert.InRange(FlopCount.Total(student).flops / (share * whole), StudentLadder.Near, 1);
        }

        Assert.Equal(14, ladder[0].patch);
        Assert.Equal(7, ladder[3].patch);
    }

    [Fact]
    public void A_target_that_nobody_meets_is_named() =>
        Refusal.Of<ArgumentException>(() => StudentLadder.ForTarget(new PatchMambaOptions(), 1000), "at most 1,000 FLOPs", "smallest of the search", "larger target");

    [Fact]
    public void Sizes_that_cannot_be_are_named()
    {
        Refusal.Of<ArgumentException>(() => StudentLadder.Of(new PatchMambaOptions(), "14x12x8"), "'14x12x8'", "14x12x8x1");
        Refusal.Of<ArgumentException>(() => StudentLadder.Of(new PatchMambaOptions(), "5x12x8x1"), "patch is 5", "divisors of 28");
        Refusal.Of<ArgumentException>(() => StudentLadder.ForTarget(new PatchMambaOptions(), [1.5]), "1.5", "at most 1");
    }

    [Fact]
    public void Images_that_no_patch_cuts_are_named() =>
        Refusal.Of<ArgumentException>(() => StudentLadder.ForTarget(new PatchMambaOptions { height = 29, width = 29, patch = 29 }, 1_000_000), "29 x 29", "image_size");

    [Theory]
    [InlineData("7x64x16x3", 28, 1, 0.63)]
    [InlineData("4x128x16x4", 32, 3, 0.6)]
    public void A_narrowed_teacher_fits_and_the_next_width_does_not(string size, int side, int channels, double share)
    {
        PatchMambaOptions teacher = new PatchMambaOptions { height = side, width = side, channels = channels }.WithSize(size);
        long budget = (long)(share * FlopCount.Total(teacher).flops);
        PatchMambaOptions narrow = StudentLadder.Narrowed(teacher, budget)!;
        Assert.Equal(teacher with { d_model = narrow.d_model }, narrow);
        Assert.InRange(FlopCount.Total(narrow).flops, 0.9 * budget, budget);
        Assert.True(FlopCount.Total(narrow with { d_model = narrow.d_model + 2 }).flops > budget);
        Assert.Null(StudentLadder.Narrowed(teacher, 100));
    }

    [Theory]
    [InlineData("7x64x16x3", 28, 1)]
    [InlineData("4x128x16x4", 32, 3)]
    [InlineData("2x32x8x2", 8, 1)]
    public void A_residual_teacher_costs_what_the_Mamba_teacher_costs(string size, int side, int channels)
    {
        long flops = FlopCount.Total(new PatchMambaOptions { height = side, width = side, channels = channels }.WithSize(size)).flops;
        long found = ResNetCost.Total(ResNetSize.ForTarget(flops, channels, side, side, 10), side, side, 10).flops;
        Assert.InRange(found, 0.95 * flops, flops);
    }
}
