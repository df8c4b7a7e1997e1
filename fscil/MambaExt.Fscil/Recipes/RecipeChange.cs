using System.Text.Json;
using System.Text.Json.Nodes;

namespace MambaExt.Fscil.Recipes;

/// <summary>Changes one value of a recipe by its name: <c>training.epochs=20</c>.</summary>
public static class RecipeChange
{
    private static readonly JsonSerializerOptions Json = new() { UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow };

    /// <summary>The recipe with that value.</summary>
    /// <param name="recipe">Before</param>
    /// <param name="change">Name and value: names of nested parts apart by points, a list apart by plus signs</param>
    /// <exception cref="ArgumentException">There is no such name, or the value is of another kind.</exception>
    public static FscilRecipe Apply(FscilRecipe recipe, string change)
    {
        if (change.Split('=', 2) is not [var name, var value] || name.Length == 0 || value.Length == 0)
        {
            throw new ArgumentException($"--set is '{change}'; give NAME=VALUE, training.epochs=20 say.");
        }

        var root = (JsonObject)JsonSerializer.SerializeToNode(recipe)!;
        string[] path = name.Split('.');
        JsonObject part = root;
        for (int i = 0; i < path.Length; i++)
        {
            if (!part.TryGetPropertyValue(path[i], out JsonNode? found) || (found is JsonObject) != (i < path.Length - 1))
            {
                string[] known = [.. Names(root, "")];
                throw new ArgumentException($"--set names '{name}', which a recipe has not{(NameSuggestion.Nearest(name, known) is { } near ? $" (did you mean {near}?)" : "")}; known are {string.Join(", ", known)}.");
            }

            if (found is JsonObject inner)
            {
                part = inner;
                continue;
            }

            // Only what may be nothing can be set to it.
            if (value == "null" && found is not null && !Nullable(path))
            {
                throw new ArgumentException($"--set gives {name} the value 'null', which it cannot take; give one like {Shown(recipe, path)}.");
            }

            part[path[i]] = value == "null" ? null : Value(found, value);
        }

        try
        {
            return root.Deserialize<FscilRecipe>(Json)!;
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"--set gives {name} the value '{value}', which it cannot take; give one like {Shown(recipe, path)}.", e);
        }
    }

    private static bool Nullable(string[] path) => path is [nameof(FscilRecipe.backbone), nameof(BackboneOptions.weights)];

    private static IEnumerable<string> Names(JsonObject part, string above) =>
        part.SelectMany(p => p.Value is JsonObject inner ? Names(inner, $"{above}{p.Key}.") : [above + p.Key]);

    /// <summary>The value as JSON: a list where one was, words where words were, else what it looks like.</summary>
    private static JsonNode? Value(JsonNode? before, string value)
    {
        if (before is JsonArray)
        {
            return new JsonArray([.. value.Split('+').Select(v => Plain(v))]);
        }

        return before is JsonValue text && text.GetValueKind() == JsonValueKind.String ? JsonValue.Create(value) : Plain(value);
    }

    private static JsonNode? Plain(string value)
    {
        try
        {
            return JsonNode.Parse(value) is JsonValue parsed ? parsed : JsonValue.Create(value);
        }
        catch (JsonException)
        {
            return JsonValue.Create(value); // words
        }
    }

    private static string Shown(FscilRecipe recipe, string[] path)
    {
        JsonNode? node = JsonSerializer.SerializeToNode(recipe);
        foreach (string name in path)
        {
            node = node?[name];
        }

        return node?.ToJsonString() ?? "null";
    }
}
