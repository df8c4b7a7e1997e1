using System.Globalization;
using System.Reflection;
using MambaExt.Fscil.Recipes;

namespace MambaExt.Fscil.Tests.Support;

/// <summary>The values of a recipe by name, read from the objects themselves and not from what is written of them.</summary>
internal static class RecipeValues
{
    /// <summary>All of them; lists as their text.</summary>
    public static Dictionary<string, object?> Of(FscilRecipe recipe)
    {
        var values = new Dictionary<string, object?>();
        Add(recipe, "");
        return values;

        void Add(object part, string above)
        {
            foreach (PropertyInfo property in part.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite))
            {
                object? value = property.GetValue(part);
                string name = above + property.Name;
                if (value is int[] list)
                {
                    values.Add(name, new Numbers(string.Join('+', list)));
                }
                else if (property.PropertyType.Namespace!.StartsWith("MambaExt", StringComparison.Ordinal))
                {
                    Add(value!, name + ".");
                }
                else
                {
                    values.Add(name, value);
                }
            }
        }
    }

    /// <summary>Another value of the same kind.</summary>
    public static object? Other(object? value) => value switch
    {
        bool flag => !flag,
        int number => number + 3,
        long number => number + 3,
        double number => number + 0.25,
        Numbers => new Numbers("7+3"),
        null or string => "another",
        _ => throw new ArgumentException($"A recipe has a value of the kind {value.GetType()}, which this test does not know."),
    };

    /// <summary>As it is given behind --set.</summary>
    public static string Text(object? value) => value switch { bool flag => flag ? "true" : "false", Numbers list => list.Text, _ => Convert.ToString(value, CultureInfo.InvariantCulture)! };

    private sealed record Numbers(string Text);
}
