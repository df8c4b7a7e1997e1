using System.Text.Json;
using MambaExt.Data.Images;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Tests.Shared;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Recipes;

public sealed class RecipeTests : TensorTests
{
    [Theory]
    [InlineData("mini-imagenet", 60, 100, 5, 12_424_320 + 2_735_872 + 2_735_872 + 327_680)]
    [InlineData("cifar100", 60, 100, 2, 12_424_320 + 3_295_360 + 3_295_360)]
    [InlineData("cub200", 100, 200, 7, 11_176_512 + 9_084_928 + 10_234_880 + 524_288)]
    public void Published_recipes_are_built_on_the_meta_device_at_their_sizes(string dataSet, int baseClasses, int classes, int side, long parameters)
    {
        FscilRecipe recipe = FscilRecipes.For("paper", dataSet, 3, null, classes);
        if (dataSet == "cub200")
        {
            // A stem that stays as it was drawn is what nobody wants.
            Refusal.Of<ArgumentException>(() => recipe.Validate(classes), "backbone.weights=FILE", "backbone.freeze_stem=false");
            (recipe with { backbone = recipe.backbone with { freeze_stem = false } }).Validate(classes);
        }

        (recipe with { backbone = recipe.backbone with { weights = dataSet == "cub200" ? "resnet18.safetensors" : null } }).Validate(classes);
        using var network = new BaseNetwork(recipe, baseClasses, classes);
        network.to(META);
        Assert.Equal(parameters, network.parameters().Sum(p => p.numel()));
        Assert.Equal(new MapSize(side, side, network.Backbone.Channels), network.Map);
        Assert.All(network.parameters(), p => Assert.Equal(DeviceType.META, p.device_type));
        Assert.Equal(DeviceType.META, network.Etf!.Columns.device_type);

        // What a run writes into its folder is what a run reads from it.
        Dictionary<string, object?> values = RecipeValues.Of(recipe);
        Assert.Equal(values, RecipeValues.Of(JsonSerializer.Deserialize<FscilRecipe>(JsonSerializer.Serialize(recipe))!));
        Assert.NotEqual(RecipeValues.Of(new FscilRecipe()), values);
        using FscilMethod method = FscilMethods.Create("mamba-fscil", recipe, network.Size, classes);
        method.to(META);
        Assert.Equal(parameters - network.Backbone.ParameterCount, method.ParameterCount);
        Dictionary<string, long[]> buffers = method.named_buffers().ToDictionary(b => b.name, b => b.buffer.shape);
        Assert.Equal([classes, side, side, network.Backbone.Channels], buffers["memory"]);
        Assert.Equal([recipe.projector.width, classes], buffers["etf.etf"]);
        Assert.Equal(dataSet == "cub200", network.named_parameters().Any(p => p.name.StartsWith("backbone.layer1.", StringComparison.Ordinal) && !p.parameter.requires_grad));
    }

    [Fact]
    public void Every_value_of_a_recipe_is_written_read_again_and_can_be_set_by_its_name()
    {
        var recipe = new FscilRecipe();
        Dictionary<string, object?> values = RecipeValues.Of(recipe), others = values.ToDictionary(v => v.Key, v => RecipeValues.Other(v.Value));
        Assert.InRange(values.Count, 80, 200);
        Assert.Contains("incremental.scan_losses.separate_base", values.Keys);
        Assert.Contains("training.final_learning_rate", values.Keys);
        foreach (var (name, other) in others)
        {
            FscilRecipe one = RecipeChange.Apply(recipe, $"{name}={RecipeValues.Text(other)}");

            // That value and no other one.
            Assert.Equal(values.ToDictionary(v => v.Key, v => v.Key == name ? other : v.Value), RecipeValues.Of(one));
            recipe = one;
            values[name] = other;
        }

        Assert.Equal(others, RecipeValues.Of(JsonSerializer.Deserialize<FscilRecipe>(JsonSerializer.Serialize(recipe))!));
    }

    [Fact]
    public void Published_sessions_have_the_sizes_that_the_released_code_logs()
    {
        IncrementalOptions mini = FscilRecipes.Paper("mini-imagenet").incremental, cub = FscilRecipes.Paper("cub200").incremental, cifar = FscilRecipes.Paper("cifar100").incremental;
        Assert.Equal([85, 195, 305, 855], new[] { 1, 2, 3, 8 }.Select(t => Size(mini, t, 60, 5)));
        Assert.Equal([85, 90, 120], new[] { 1, 2, 8 }.Select(t => Size(cifar, t, 60, 5)));
        Assert.Equal([150, 250, 450, 550, 750, 850, 750, 850, 950, 1050], Enumerable.Range(1, 10).Select(t => Size(cub, t, 100, 10)));
        Assert.Equal([100, 170], new[] { mini.Iterations(1), mini.Iterations(8) });
        Assert.Equal([200, 290], new[] { cub.Iterations(1), cub.Iterations(10) });

        static int Size(IncrementalOptions o, int t, int classes, int ways) => o.Rows(t, classes, classes + (ways * (t - 1)), 5 * ways).Length;
    }

    [Fact]
    public void A_pass_over_a_session_holds_each_shot_once_and_means_as_often_as_their_kind_is_copied()
    {
        // 3 base classes, 2 novel ones, then 4 shots of another one.
        IncrementalOptions options = new() { base_copies = [1, 3], novel_copies = 2 };
        Assert.Equal([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8], options.Rows(2, 3, 5, 4).Order());
        Assert.Equal([0, 1, 2, 3, 4], options.Rows(1, 3, 3, 2).Order());
        Assert.Equal([3, 4], (options with { base_copies = [0] }).Rows(1, 3, 3, 2).Order());
    }

    [Fact]
    public void The_schedule_rises_falls_along_half_a_cosine_and_cools_down()
    {
        var schedule = new CoolDown(100);
        Assert.Equal(0.1 * 1, schedule.Factor(0), 1e-12);
        Assert.Equal((0.1 + (0.9 * 3 / 5)) * (0.01 + (0.99 * 0.5 * (1 + Math.Cos(Math.PI * 3 / 95)))), schedule.Factor(3), 1e-12);
        Assert.Equal(0.01 + (0.99 * 0.5 * (1 + Math.Cos(Math.PI * 47 / 95))), schedule.Factor(47), 1e-12);
        Assert.All(Enumerable.Range(95, 5), t => Assert.Equal(0.001, schedule.Factor(t), 1e-12));
    }

    [Fact]
    public void Published_base_trainings_have_their_learning_rates()
    {
        // 58 steps an epoch: 30,000 images in batches of 512.
        BaseTraining mini = FscilRecipes.Paper("mini-imagenet").training, cifar = FscilRecipes.Paper("cifar100").training;
        Func<long, double> falling = mini.Schedule(58)!, cosine = cifar.Schedule(58)!;
        Assert.Equal(0.25, falling(0), 1e-12);
        Assert.Equal(0.25 + (0.75 * 0.5), falling(1500), 1e-12);
        Assert.All(new[] { (3000L / 58) + 1, 100, 199 }, epoch => Assert.Equal(1, falling(epoch * 58), 1e-12));
        Assert.Equal(1, falling((200 * 58) - 1), 1e-12);
        foreach (var (from, to, power) in new[] { (200, 299, 1), (300, 349, 2), (350, 399, 3), (400, 449, 4), (450, 499, 5) })
        {
            Assert.Equal(Math.Pow(0.25, power), falling(from * 58), 1e-12);
            Assert.Equal(Math.Pow(0.25, power), falling((to * 58) + 57), 1e-12);
        }

        long all = 200 * 58;
        Assert.Equal(0.1, cosine(0), 1e-12);
        Assert.Equal(0.01 + (0.99 * 0.5 * (1 + Math.Cos(Math.PI * 5000 / (all - 10)))), cosine(5000), 1e-12);
        Assert.All(Enumerable.Range(1, 10), k => Assert.Equal(0.001, cosine(all - k), 1e-12));
        Assert.Null(FscilRecipes.Cpu("cifar100", 3, new ImageSize(32, 32), 100).training.Schedule(58));
        Assert.Contains("milestones and cooldown_steps", Assert.Throws<ArgumentException>(() => (mini with { cooldown_steps = 3 }).Validate()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Published_normalizations_are_constants_and_only_of_colour_images()
    {
        Assert.Equal(["imagenet", "cifar100", "imagenet"], FscilRecipes.Published.Select(p => FscilRecipes.Paper(p).training.normalization).ToArray());
        FscilData colour = Images(3), grey = Images(1);
        Assert.Equal([0.485f, 0.456f, 0.406f], Augmentations.Normalization("imagenet", colour).Mean);
        Assert.Equal([68.170f / 255, 65.392f / 255, 70.418f / 255], Augmentations.Normalization("cifar100", colour).Deviation);
        Assert.Equal(colour.Normalization, Augmentations.Normalization("measured", colour));

        // Measured once, and anew for a copy with other base images.
        Assert.Same(colour.Normalization, colour.Normalization);
        FscilData other = colour with { Protocol = new Fscil.Protocol.FscilProtocol("y", [1], 2, [new(0, 0, 1, [1], [1])]) };
        Assert.Equal(ImageNormalization.Of(other.Train, [1]).Mean, other.Normalization.Mean);
        Assert.NotEqual(colour.Normalization.Mean, other.Normalization.Mean);
        Refusal.Of<ArgumentException>(() => Augmentations.Normalization("imagenet", grey), "constants of 3 channels", "measured");

        static FscilData Images(int channels)
        {
            var images = new MemoryImages([.. Enumerable.Range(0, 4 * channels * 2).Select(i => (byte)(i * 7))], channels, new ImageSize(2, 2), [0, 1]);
            return new FscilData("x", MambaExt.Data.DataVariant.Own, images, images, ["a", "b"], new Fscil.Protocol.FscilProtocol("x", [0, 1], 2, [new(0, 0, 2, [0, 1], [0, 1])]), [], []);
        }
    }

    [Fact]
    public void The_extra_term_of_mixed_images_counts_none_that_were_not_mixed()
    {
        FscilRecipe recipe = new()
        {
            backbone = new() { name = "small", width = 4, image_size = 8, channels = 1 }, projector = new() { width = 16, hidden = 8, d_state = 2, dt_rank = 1 },
            training = new() { head = "mamba", mixed_extra_term = true },
        };
        using var network = new BaseNetwork(recipe, 4, 4);
        network.eval();
        Tensor pixels = rand(4, 1, 8, 8), labels = tensor(new[] { 0L, 1, 2, 3 }), partners = tensor(new[] { 1L, 2, 3, 0 });
        double Loss(bool extra, params float[] weights) => BaseTrainer.Loss(
            network, new ImageBatch([0, 1, 2, 3], [0, 0, 0, 0], pixels.clone(), labels.clone(), partners.clone(), tensor(weights)), recipe.training with { mixed_extra_term = extra }, arange(4), null).item<float>();
        Assert.Equal(Loss(false, 1, 1, 1, 1), Loss(true, 1, 1, 1, 1), 1e-6);
        double own = Loss(false, 1, 1, 1, 1);
        Assert.Equal(Loss(false, 0.5f, 0.5f, 0.5f, 0.5f) + own, Loss(true, 0.5f, 0.5f, 0.5f, 0.5f), 1e-5);
    }

    [Theory]
    [InlineData("digits", 1, 8, 10)]
    [InlineData("omniglot", 1, 28, 964)]
    [InlineData("cifar100", 3, 32, 100)]
    public void Cpu_recipes_fit_their_data(string dataSet, int channels, int size, int classes)
    {
        FscilRecipe recipe = FscilRecipes.For("cpu", dataSet, channels, new ImageSize(size, size), classes);
        recipe.Validate(classes);
        Assert.Equal(FscilRecipe.Rounded(classes), recipe.projector.width);
        using var network = new BaseNetwork(recipe, 4, classes);
        Assert.All(FscilMethods.Names.Concat(FscilMethods.Ablations.Keys).Where(n => n != FscilMethods.Pixels), name =>
        {
            using FscilMethod method = FscilMethods.Create(name, recipe, network.Size, classes);
            Assert.Equal(name, method.Name);
        });
    }

    [Fact]
    public void Only_methods_that_are_trained_on_maps_read_several_views()
    {
        FscilRecipe recipe = new(), mamba = recipe with { training = new BaseTraining { head = "mamba" } }, nc = recipe with { training = new BaseTraining { head = "nc" } };
        string[] Read(FscilRecipe r) => [.. FscilMethods.Names.Concat(["no-freezing"]).Where(name => FscilMethods.ReadsViews(name, r))];
        Assert.Equal(["mamba-fscil", "mamba-fscil-teen", "nc-fscil", "fine-tune", "no-freezing"], Read(recipe));
        Assert.Equal(["nc-fscil", "fine-tune"], Read(mamba));
        Assert.Equal(["mamba-fscil", "mamba-fscil-teen", "fine-tune", "no-freezing"], Read(nc));
        Assert.Equal("mambaext", Read(recipe with { prototypes = new PrototypeOptions { projector_weight = 0.1 } })[0]);
    }

    [Fact]
    public void The_base_branch_is_kept_apart_only_where_it_learns()
    {
        FscilRecipe recipe = new() { incremental = new() { scan_losses = new() { separate_base = 1e-3 } } };
        Refusal.Of<ArgumentException>(() => recipe.Validate(10), "separate_base is 0.001", "freeze=false");
        (recipe with { incremental = recipe.incremental with { freeze = false } }).Validate(10);
        Assert.Equal([0, 0, 1e-3], FscilRecipes.Published.Select(p => FscilRecipes.Paper(p).incremental.scan_losses.separate_base));
    }

    [Fact]
    public void Values_are_changed_by_name_and_wrong_ones_are_refused()
    {
        var recipe = new FscilRecipe();
        Assert.Equal(7, RecipeChange.Apply(recipe, "training.epochs=7").training.epochs);
        Assert.Equal("ss2d", RecipeChange.Apply(recipe, "projector.branch=ss2d").projector.branch);
        Assert.Equal([1, 2, 3], RecipeChange.Apply(recipe, "incremental.base_copies=1+2+3").incremental.base_copies);
        Assert.Equal(0.25, RecipeChange.Apply(recipe, "incremental.scan_losses.separate=0.25").incremental.scan_losses.separate);
        Assert.False(RecipeChange.Apply(recipe, "incremental.freeze=false").incremental.freeze);
        Assert.Equal("adamw", RecipeChange.Apply(recipe, "training.optimizer=adamw").training.optimizer);
        Assert.Contains("did you mean training.epochs?", Assert.Throws<ArgumentException>(() => RecipeChange.Apply(recipe, "training.epoch=7")).Message, StringComparison.Ordinal);
        Assert.Null(RecipeChange.Apply(recipe with { backbone = recipe.backbone with { weights = "x" } }, "backbone.weights=null").backbone.weights);
        foreach (string change in new[] { "incremental.base_copies=null", "training.augment=null", "training.epochs=null", "prototypes.levels=null" })
        {
            Refusal.Of<ArgumentException>(() => RecipeChange.Apply(recipe, change), "'null', which it cannot take");
        }

        Assert.Contains("cannot take", Assert.Throws<ArgumentException>(() => RecipeChange.Apply(recipe, "training.epochs=many")).Message, StringComparison.Ordinal);
        Assert.Contains("NAME=VALUE", Assert.Throws<ArgumentException>(() => RecipeChange.Apply(recipe, "training")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_that_is_out_of_range_is_said_at_once()
    {
        var recipe = new FscilRecipe
        {
            backbone = new() { name = "resnet99" }, training = new() { head = "x", mixup = 0.8, cutmix = 0.8 }, projector = new() { width = 8, branch = "y" }, incremental = new() { iterations = 0 }, views = 0,
        };
        string message = Assert.Throws<ArgumentException>(() => recipe.Validate(100)).Message;
        Assert.All(new[] { "resnet99", "head is 'x'", "mixup and cutmix", "branch is 'y'", "iterations", "8 wide and the protocol has 100 classes", "projector.width=128", "views is 0" }, words => Assert.Contains(words, message, StringComparison.Ordinal));
    }
}
